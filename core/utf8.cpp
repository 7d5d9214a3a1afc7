#include "core/utf8.h"

#include <algorithm>
#include <cstdint>

namespace endorm {

Utf8Character first_utf8_character(std::string_view bytes) {
  const auto lead = static_cast<std::uint8_t>(bytes[0]);
  if (lead < 0x80) {
    return {Utf8::kComplete, 1};
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4) {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == bytes.size()) {
      return {Utf8::kIncomplete, i};
    }
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    const std::uint8_t low = i > 1 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t high = i > 1 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte < low || byte > high) {
      return {Utf8::kInvalid, i};
    }
  }
  return {Utf8::kComplete, length};
}

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const Utf8Character character = first_utf8_character(bytes);
    text += character.state == Utf8::kComplete ? bytes.substr(0, character.bytes) : kUtf8Replacement;
    bytes.remove_prefix(character.bytes);
  }
  return text;
}

std::string excerpt(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) {
    return valid_utf8(text);
  }
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {  // inside a character
    --end;
  }
  return valid_utf8(text.substr(0, end)) + "...";
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

}  // namespace endorm
