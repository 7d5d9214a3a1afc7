#pragma once

#include <string>
#include <string_view>

namespace endorm {

// A message as who runs a command is told it: without the C++ names in brackets that it, or what it quotes, begins
// with ("[ResultLog::open] "). The names of commands and what they do ("[score] ", "[load model] ") stay.
std::string user_words(std::string_view message);

}  // namespace endorm
