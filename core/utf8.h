#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace endorm {

enum class Utf8 { kComplete, kIncomplete, kInvalid };

struct Utf8Character {
  Utf8 state = Utf8::kInvalid;
  std::size_t bytes = 1;  // of the character; of the invalid run
};

// The character that `bytes` (not empty) begins with (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
Utf8Character first_utf8_character(std::string_view bytes);

inline constexpr std::string_view kUtf8Replacement = "\xEF\xBF\xBD";  // U+FFFD

// The bytes with U+FFFD for whatever is no UTF-8 in them.
std::string valid_utf8(std::string_view bytes);

// At most so many bytes of a text, valid UTF-8, for an error message: cut between characters and then marked with
// "...".
std::string excerpt(std::string_view text, std::size_t bytes = 80);

// Code points of valid UTF-8: the bytes that begin one.
std::size_t code_points(std::string_view text);

}  // namespace endorm
