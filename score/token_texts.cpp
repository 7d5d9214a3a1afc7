#include "score/token_texts.h"

#include <cstdint>
#include <string_view>

namespace endorm {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

enum class Utf8 { kComplete, kIncomplete, kInvalid };

struct Character {
  Utf8 state = Utf8::kInvalid;
  std::size_t bytes = 1;  // of the character; of the invalid run
};

// The character that `bytes` begins with (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
Character first_character(std::string_view bytes) {
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

}  // namespace

std::vector<std::string> token_texts(const Engine& engine, std::span<const Token> tokens) {
  std::vector<std::string> texts;
  std::string pending;  // bytes of a character that is not complete yet
  for (const Token token : tokens) {
    pending += engine.token_bytes(token);
    std::string text;
    while (!pending.empty()) {
      const Character character = first_character(pending);
      if (character.state == Utf8::kIncomplete) {
        break;
      }
      text += character.state == Utf8::kComplete ? std::string_view(pending).substr(0, character.bytes) : kReplacement;
      pending.erase(0, character.bytes);
    }
    texts.push_back(std::move(text));
  }
  if (!pending.empty()) {
    texts.back() += kReplacement;  // the response ends inside a character
  }
  return texts;
}

}  // namespace endorm
