#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/engine.h"
#include "engine/turns/chat_template.h"
#include "engine/turns/turn_marks.h"

struct llama_vocab;

namespace endorm {

// Text parts to tokens of one vocabulary. Special tokens are recognised in what a template wrote, never in what a user
// wrote. Keeps a reference to the vocabulary, which must outlive it. Thread-safe.
class Tokenizer {
 public:
  explicit Tokenizer(const llama_vocab* vocab);

  // The special tokens that a template writes within a model's turn (PromptForm::turn_text): where they are spelled out
  // in a TextPart of kind kResponse they are those tokens, but for those that end a turn. `opening` is what the turn
  // begins with: a token of it stands within a turn only where such text follows as the template writes behind it there
  // (`<|start|>` of another assistant's message, not of a user's). Called once, before the first tokenize.
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

  std::string token_bytes(Token token) const;
  // Tokens before the trailing padding columns of the output layer, if any: what a log-sum-exp runs over.
  std::size_t real_vocabulary() const { return real_vocabulary_; }
  std::string bos_text() const;
  std::string eos_text() const;

 private:
  // Either one special token or a run of text between them.
  struct Fragment {
    bool special = false;
    Token token = 0;
    std::string text;
  };

  // What ends a text: a token that ends a turn, and what stands before it.
  struct SpelledEnd {
    std::size_t text_size = 0;
    Token token = 0;
    std::string space;  // white space behind the token, up to the end or the next one
  };

  std::vector<Fragment> split(std::span<const TextPart> parts) const;
  const std::pair<std::string, Token>* special_at(std::string_view text) const;
  const std::pair<std::string, Token>* turn_token_at(std::string_view text) const;
  std::string unit_at(std::string_view text) const;
  std::optional<SpelledEnd> spelled_end(std::string_view text) const;
  void check_one_turn(std::span<const Fragment> fragments) const;
  void end_turn(const PlacedResponse& placed, const TemplateOptions& options, bool finished,
                std::vector<Fragment>& fragments) const;
  bool ends_turn(Token token) const;
  Tokens mark_tokens(const std::string& mark) const;
  void append(const Fragment& fragment, Tokens& tokens) const;
  void begin_with_bos(Tokens& prompt) const;
  Tokens plain_tokens(const std::string& text) const;
  Tokens unmarked_tokens(const std::string& text) const;
  std::vector<std::size_t> byte_offsets(std::span<const Token> tokens, std::string_view spelled, std::size_t text_begin,
                                        std::size_t text_size) const;

  const llama_vocab* vocab_;
  std::size_t real_vocabulary_ = 0;
  std::unordered_map<char, std::vector<std::pair<std::string, Token>>> special_;  // by first byte, longest first
  std::vector<std::string> found_in_text_;           // of special_, those that libllama would find in any text
  std::vector<std::pair<std::string, Token>> ends_;  // tokens that end a turn, and the one that pads behind it
  std::set<Token> turn_tokens_;
  std::map<Token, std::set<std::string>> turn_followers_;  // of those, what must stand behind: one of these
};

}  // namespace endorm
