#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenized_response.h"

namespace endorm {

// What tells the turns of a conversation apart where it is one text, or one list of tokens, in a model's own form.
struct TurnMarks {
  // Between the words of a user and the model's answer to them: "<|im_end|>\n<|im_start|>assistant\n". Empty: not
  // known.
  std::string opening;
  // What opens the turn of a user or a tool behind an answer: "<|im_start|>user". Empty: not known.
  std::vector<std::string> others;
  // The same as tokens. Empty where they begin with text, whose tokens depend on what stands before.
  Tokens opening_ids;
  std::vector<Tokens> other_ids;

  std::set<std::string, std::less<>> specials;  // tokens that a vocabulary does not make of plain text, as spelled
  std::set<std::string, std::less<>> fillers;   // of those, what ends a turn or pads
  std::set<Token> filler_ids;                   // the same, but for one that begins texts, too
  std::string form;                             // the template's source: a mark in it is this model's own
};

// What clients need that write a model's text themselves. Empty: it has none.
struct SpecialTexts {
  std::string bos;  // as the token is spelled, as those that follow
  std::string eos;
  std::string pad;
  std::string chat_template;  // its source, in jinja
};

// The text that a model reads, of an engine that has template and vocabulary itself.
class TextForm {
 public:
  virtual ~TextForm() = default;

  // Engine::tokenize of text that is in the model's own form already: special tokens spelled out in it are special
  // tokens, and nothing is added but BOS where the model wants one and the prompt does not begin with it. A response
  // that brings its end-of-turn token has ended its turn (white space behind that is left out, as tokenize leaves it
  // out), any other is truncated.
  virtual std::vector<TokenizedResponse> tokenize_raw(std::string_view prompt, std::span<const ResponseText> responses,
                                                      const TemplateOptions& options) const = 0;
  // The prompt of an answer that is still to be written: messages, then the beginning of the model's own turn. Throws
  // InvalidInput as Engine::tokenize does.
  virtual Tokens open_turn(std::span<const Message> messages, const TemplateOptions& options = {}) const = 0;
  // What tells turns apart in text of this form, under these options; opening: in the place of the form's own where it
  // is not empty. What is not known is empty.
  virtual TurnMarks turn_marks(const TemplateOptions& options, const std::string& opening) const = 0;
  virtual SpecialTexts special_texts() const = 0;
};

}  // namespace endorm
