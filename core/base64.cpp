#include "core/base64.h"

#include <bit>
#include <string_view>
#include <vector>

namespace endorm {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <typename Word>
std::string of_words(std::span<const Word> words) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(4 * words.size());
  for (const Word word : words) {
    const auto value = std::bit_cast<std::uint32_t>(word);
    for (const unsigned shift : {0U, 8U, 16U, 24U}) {
      bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  return base64_of(bytes);
}

}  // namespace

std::string base64_of(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      three = three << 8U | (at + i < bytes.size() ? bytes[at + i] : 0U);
    }
    for (const unsigned shift : {18U, 12U, 6U, 0U}) {
      text += kDigits[(three >> shift) & 63U];
    }
  }
  const std::size_t over = bytes.size() % 3;
  return over == 0 ? text : text.replace(text.size() - (3 - over), 3 - over, 3 - over, '=');
}

std::optional<std::string> bytes_of_base64(std::string_view text) {
  while (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char character : text) {
    const char standard = character == '-' ? '+' : character == '_' ? '/' : character;
    const std::size_t digit = kDigits.find(standard);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    held = held << 6U | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(held >> bits & 0xFFU);
    }
  }
  return bits >= 6 ? std::nullopt : std::optional(std::move(bytes));
}

std::string base64_of_words(std::span<const float> words) { return of_words(words); }
std::string base64_of_words(std::span<const std::int32_t> words) { return of_words(words); }

}  // namespace endorm
