#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/messages.h"
#include "engine/token_tree.h"

namespace endorm {

class PromptForm;

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

// The marks that a form writes under these options, as text.
TurnMarks turn_marks(const PromptForm& form, const TemplateOptions& options);

}  // namespace endorm
