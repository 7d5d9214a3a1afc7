#pragma once

#include <span>
#include <string>
#include <string_view>

namespace endorm {

// Writes a whole file, or standard output where path is "-". The file appears complete or not at all. Throws
// EngineError in the name of `command` where it cannot be written.
void write_file(std::string_view command, std::string_view content, const std::string& path);

// For before the work: throws InvalidInput in the name of `command` where the directory of one of the paths is missing.
void check_directories(std::string_view command, std::span<const std::string> paths);

}  // namespace endorm
