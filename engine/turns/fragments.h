#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/turns/text_parts.h"
#include "engine/turns/turn_tokens.h"

namespace endorm {

// What a vocabulary takes for white space.
inline constexpr std::string_view kSpace = " \t\r\n\f\v";

// Either one special token or a run of text between them.
struct Fragment {
  bool special = false;
  Token token = 0;
  std::string text;
};

// The parts of a text with their special tokens: all in what a template wrote, turn_tokens in a response, none in what
// came from a message. White space that a special token swallows is gone.
std::vector<Fragment> split(std::span<const TextPart> parts, const Vocabulary& vocabulary,
                            const TurnTokens& turn_tokens);

void append(const Fragment& fragment, const Vocabulary& vocabulary, Tokens& tokens);

}  // namespace endorm
