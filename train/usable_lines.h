#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace endorm {

struct InputLine;

// A line of the data that is not learnt from, and why.
struct LeftOutLine {
  std::string file;      // its name
  std::size_t line = 0;  // 1-based
  std::string reason;
};

// Hands each line of a file of JSON lines to `use`; one that it refuses (InvalidInput), or that cannot be read, is left
// out. Returns those. Throws InvalidInput where the file cannot be opened.
std::vector<LeftOutLine> use_lines(const std::string& path, const std::function<void(const InputLine&)>& use);

// Why nothing of a file can be used: ": it is empty", or the first line that was left out and its reason.
std::string why_none_is_left(const std::vector<LeftOutLine>& left_out);

}  // namespace endorm
