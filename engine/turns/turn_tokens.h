#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/turns/text_parts.h"
#include "engine/turns/vocabulary.h"

namespace endorm {

// The special tokens that a template writes within a model's own turn: spelled out in a response they are those tokens,
// but for those that end a turn. Keeps a reference to the vocabulary.
class TurnTokens {
 public:
  explicit TurnTokens(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}  // none

  // turn_text: PromptForm::turn_text. opening: what the turn begins with; a token of it stands within a turn only where
  // such text follows as the template writes behind it there (`<|start|>` of another assistant's message, not of a
  // user's).
  TurnTokens(const Vocabulary& vocabulary, std::string_view turn_text, std::string_view opening);

  // The one that a text, which is not empty, begins with; nullptr where it begins with none.
  const Vocabulary::Spelled* token_at(std::string_view text) const;

 private:
  std::string unit_at(std::string_view text) const;

  const Vocabulary* vocabulary_;
  std::set<Token> tokens_;
  std::map<Token, std::set<std::string>> followers_;  // of those, what must stand behind: one of these
};

// Stands for medium number `place` of a prompt until its tokens are known.
constexpr Token medium_placeholder(std::size_t place) { return -1 - static_cast<Token>(place); }

// A prompt with the tokens of its media in the places of their placeholders.
Tokens with_media_tokens(std::span<const Token> prompt, std::span<const Tokens> media);

// What a vocabulary takes for white space.
inline constexpr std::string_view kSpace = " \t\r\n\f\v";

// Either one special token (or the placeholder of a medium) or a run of text between them.
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
