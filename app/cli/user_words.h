#pragma once

#include <span>
#include <string>
#include <string_view>

namespace endorm {

// A message as who runs a command is told it: without the names of functions and rooms in brackets that it, or what it
// quotes, begins with ("[ResultLog::open] ", "[aggregate] "). Those of commands, and what is told in several words
// ("[score] ", "[load model] "), stay.
std::string user_words(std::string_view message, std::span<const std::string> commands);

}  // namespace endorm
