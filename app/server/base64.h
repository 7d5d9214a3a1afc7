#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace endorm {

// Of bytes (RFC 4648, with "=" behind the last three).
std::string base64_of(std::span<const std::uint8_t> bytes);
// Of numbers of four bytes each, little-endian.
std::string base64_of_words(std::span<const float> words);
std::string base64_of_words(std::span<const std::int32_t> words);

}  // namespace endorm
