#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace endorm {

// Of bytes (RFC 4648, with "=" behind the last three).
std::string base64_of(std::span<const std::uint8_t> bytes);
// Of numbers of four bytes each, little-endian.
std::string base64_of_words(std::span<const float> words);
std::string base64_of_words(std::span<const std::int32_t> words);

// The bytes that a text holds, in the alphabet of base64 or of base64url, padded or not; none where it holds another
// character, or ends within a byte.
std::optional<std::string> bytes_of_base64(std::string_view text);

}  // namespace endorm
