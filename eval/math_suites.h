#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/math_problem.h"

namespace endorm {

// A suite that read_math_suites knows.
struct MathSuiteName {
  std::string_view name;
  std::string_view description;  // one line
  std::string_view files;        // where its file is looked for, relative to a directory of data
  std::string_view source;       // where it is to be had
};

std::vector<MathSuiteName> math_suite_names();

// What is read of a suite. Everything here changes the numbers.
struct MathReadOptions {
  std::optional<std::size_t> limit = std::nullopt;          // at most so many usable problems of each suite; none: all
  std::optional<std::uint64_t> sample_seed = std::nullopt;  // with a limit: a random choice, in the file's order; none:
                                                            // the first ones
};

// Reads suites as they were published. A suite is a known name, whose file is looked for in each of the directories in
// turn; or the path of a .json or .jsonl file of one's own with "question" and "answer". A row that cannot be used (a
// field is missing, the reference answer cannot be read) becomes a fault and the rest is kept. Throws InvalidInput on
// an unknown name (listing the known ones), where a suite stands twice or its file is nowhere (naming what was looked
// for and where it is to be had), where none of a file's rows can be used, and on a limit of 0.
MathProblemSet read_math_suites(std::span<const std::string> suites, std::span<const std::string> directories,
                                const MathReadOptions& options = {});

}  // namespace endorm
