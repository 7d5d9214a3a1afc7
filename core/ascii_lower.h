#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace endorm {

// A to Z in lower case, in any locale; any other byte as it is.
constexpr char ascii_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

inline std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char byte) { return ascii_lower(byte); });
  return lower;
}

}  // namespace endorm
