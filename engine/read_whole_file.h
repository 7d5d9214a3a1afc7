#pragma once

#include <string>
#include <string_view>

namespace endorm {

// The bytes of a whole file. Messages are in the name of `reader`, a function, command or flag. Throws InvalidInput,
// ending with the remedy, where the file cannot be opened or is a directory, EngineError where reading fails.
std::string read_whole_file(std::string_view reader, const std::string& path,
                            std::string_view remedy = "Check the path and its permissions.");

}  // namespace endorm
