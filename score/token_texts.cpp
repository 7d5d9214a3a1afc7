#include "score/token_texts.h"

#include "core/utf8.h"

namespace endorm {

std::vector<std::string> token_texts(const Engine& engine, std::span<const Token> tokens) {
  std::vector<std::string> texts;
  std::string pending;  // bytes of a character that is not complete yet
  for (const Token token : tokens) {
    pending += engine.token_bytes(token);
    std::string text;
    while (!pending.empty()) {
      const Utf8Character character = first_utf8_character(pending);
      if (character.state == Utf8::kIncomplete) {
        break;
      }
      text +=
          character.state == Utf8::kComplete ? std::string_view(pending).substr(0, character.bytes) : kUtf8Replacement;
      pending.erase(0, character.bytes);
    }
    texts.push_back(std::move(text));
  }
  if (!pending.empty()) {
    texts.back() += kUtf8Replacement;  // the response ends inside a character
  }
  return texts;
}

std::string spelled(const Engine& engine, std::span<const Token> tokens) {
  std::string bytes;
  for (const Token token : tokens) {
    bytes += engine.token_bytes(token);
  }
  return bytes;
}

}  // namespace endorm
