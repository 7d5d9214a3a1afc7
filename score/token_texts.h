#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// What tokens spell: one valid UTF-8 text a token [T], together the whole. A character spread over several tokens
// stands at the token that completes it; bytes that are no UTF-8 become U+FFFD.
std::vector<std::string> token_texts(const Engine& engine, std::span<const Token> tokens);

// The bytes of tokens one behind the other, special tokens spelled out; they may end within a character.
std::string spelled(const Engine& engine, std::span<const Token> tokens);

}  // namespace endorm
