#pragma once

#include <string_view>

namespace endorm {

// The text without the bytes of `around` at its beginning and end.
std::string_view trimmed(std::string_view text, std::string_view around = " \t\r\n");

}  // namespace endorm
