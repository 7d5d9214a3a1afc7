#include "app/server/text_notes.h"

#include "core/errors.h"

namespace endorm {

std::string_view text_note_name(TextNote note) {
  switch (note) {
    case TextNote::kSeveralTurns:
      return "several_turns";
    case TextNote::kSecondOpening:
      return "second_opening";
    case TextNote::kPromptAbsent:
      return "prompt_absent";
    case TextNote::kOtherFamily:
      return "other_family";
    case TextNote::kSpelledEnd:
      return "spelled_end";
  }
  throw InternalError("[text_note_name] " + std::to_string(static_cast<int>(note)) + " is no note");
}

std::string_view text_note_advice(TextNote note) {
  switch (note) {
    case TextNote::kSeveralTurns:
      return "a whole text holds several turns: what follows the last turn of a user is scored. A response that spells "
             "such a turn cannot be told from it: where prompts have one turn, use --turn-cut first, or send prompts "
             "apart";
    case TextNote::kSecondOpening:
      return "a whole text opens the model's turn where no turn of a user precedes it, as a response can that spells "
             "the mark: --turn-cut says where it is cut";
    case TextNote::kPromptAbsent:
      return "a query does not begin with the prompt that came beside it: it is cut behind as many openings of the "
             "model's turn as the prompt has, or as a whole text where the prompt has none";
    case TextNote::kOtherFamily:
      return "a text holds turn marks of another model's template, which this model reads as letters: apply this "
             "model's template, or send messages";
    case TextNote::kSpelledEnd:
      return "a response spells the end of its turn: it is taken once, at the very end, for the token it spells";
  }
  throw InternalError("[text_note_advice] " + std::to_string(static_cast<int>(note)) + " is no note");
}

void SaidNotes::say_once(const std::string& model, TextNote note) {
  const std::lock_guard lock(mutex_);
  if (say_ && said_.insert({model, note}).second) {
    say_("endorm: " + model + ": " + std::string(text_note_advice(note)) +
         " (said once; endorm_texts_noted_total in /metrics counts them)");
  }
}

}  // namespace endorm
