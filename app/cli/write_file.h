#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/atomic_file.h"

namespace endorm {

// What a command writes: a file that takes its path whole or not at all, or standard output where the path is "-".
// Everything throws EngineError in the name of the command where the output cannot be written.
class OutputFile {
 public:
  // Throws InvalidInput where something other than a regular file is at the path.
  OutputFile(std::string_view command, const std::string& path);

  void write(std::string_view bytes);
  void finish();  // last call; what was printed stands before what goes to standard error then

 private:
  std::string command_;
  std::optional<AtomicFile> file_;  // none: standard output
};

// An output of one piece.
void write_file(std::string_view command, std::string_view content, const std::string& path);

// Brings what was printed to standard output. Throws EngineError where something did not get there, now or before.
void finish_standard_output(std::string_view command);

// For before the work: throws InvalidInput in the name of `command` where the directory of one of the paths is missing.
void check_directories(std::string_view command, std::span<const std::string> paths);

}  // namespace endorm
