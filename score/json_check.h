#pragma once

#include <string_view>

#include "core/utf8.h"  // excerpt(), which names what is refused

namespace endorm {

// Refuses a line that is not one JSON value in UTF-8, and what a JSON parser would accept in silence or at great cost:
// a field that stands twice in an object (the last would win) and deep nesting. Throws InvalidInput naming the byte.
void check_json(std::string_view line);

}  // namespace endorm
