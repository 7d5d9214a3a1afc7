#pragma once

#include <string>

namespace endorm {

// A reason as clients are told it: without the name of the function that gave it ("[score] "), the line of a file that
// there is not ("line 1: "), and sentences behind the first that name an option of the command line, which no client
// can set.
std::string client_words(const std::string& reason);

}  // namespace endorm
