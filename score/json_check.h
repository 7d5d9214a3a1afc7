#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace endorm {

// Refuses a line that is not one JSON value in UTF-8, and what a JSON parser would accept in silence or at great cost:
// a field that stands twice in an object (the last would win) and deep nesting. Throws InvalidInput naming the byte.
void check_json(std::string_view line);

// At most 80 bytes of valid UTF-8 text for an error message, cut between characters and then marked with "...".
std::string excerpt(std::string_view text);

}  // namespace endorm
