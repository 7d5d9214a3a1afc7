#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

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

}  // namespace endorm
