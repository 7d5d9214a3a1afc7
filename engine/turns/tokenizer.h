#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text_form.h"
#include "engine/turns/turn.h"
#include "engine/turns/turn_tokens.h"

namespace endorm {

// Text parts to tokens of one vocabulary. Special tokens are recognised in what a template wrote, never in what a user
// wrote. Keeps a reference to the vocabulary, which must outlive it. Thread-safe.
class Tokenizer {
 public:
  explicit Tokenizer(const llama_vocab* vocab) : vocabulary_(vocab), turn_tokens_(vocabulary_) {}
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // What a response may spell out (TurnTokens). Called once, before the first tokenize.
  void set_turn_tokens(std::string_view turn_text, std::string_view opening);

  // A response and its prompt as tokens; BOS stands once at the start where the vocabulary asks for it. A response
  // whose text ends with the spelling of a token that ends a turn has ended with it, whatever ends and paddings stand
  // behind; otherwise the first such token of `after` ends one that was not truncated.
  TokenizedResponse tokenize(const PlacedResponse& placed, bool truncated, const TemplateOptions& options) const;
  // The same of tokens: those behind the first of the ends and paddings at the end are dropped.
  TokenizedResponse of_tokens(Tokens prompt, Tokens response) const;

  // A prompt alone, BOS as in tokenize().
  Tokens tokenize_prompt(std::span<const TextPart> prompt) const;

  // Adds the vocabulary's part: how its special tokens are spelled, and the marks as tokens.
  void spell_marks(TurnMarks& marks) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  // What ends a text: a token that ends a turn, and what stands before it.
  struct SpelledEnd {
    std::size_t text_size = 0;
    Token token = 0;
    std::string space;  // white space behind the token, up to the end or the next one
  };

  std::vector<Fragment> split(std::span<const TextPart> parts) const;
  std::optional<SpelledEnd> spelled_end(std::string_view text) const;
  void check_one_turn(std::span<const Fragment> fragments) const;
  void end_turn(const PlacedResponse& placed, const TemplateOptions& options, bool finished,
                std::vector<Fragment>& fragments) const;
  Tokens mark_tokens(const std::string& mark) const;
  std::vector<std::size_t> byte_offsets(std::span<const Token> tokens, std::string_view spelled, std::size_t text_begin,
                                        std::size_t text_size) const;

  Vocabulary vocabulary_;
  TurnTokens turn_tokens_;
};

}  // namespace endorm
