#include "app/server/text_notes.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/utf8.h"

namespace endorm {

namespace {

constexpr std::size_t kMostUnreadFields = 64;

struct NoteText {
  TextNote note;
  std::string_view name;
  std::string_view advice;
};
constexpr std::array<NoteText, kTextNotes.size()> kTexts = {{
    {TextNote::kSeveralTurns, "several_turns",
     "a whole text holds several turns: what follows the last turn of a user is scored. A response that spells such a "
     "turn cannot be told from it: where prompts have one turn, use --turn-cut first, or send prompts apart"},
    {TextNote::kSecondOpening, "second_opening",
     "a whole text opens the model's turn where no turn of a user precedes it, as a response can that spells the mark: "
     "--turn-cut says where it is cut"},
    {TextNote::kPromptAbsent, "prompt_absent",
     "a query does not begin with the prompt that came beside it: it is cut behind as many openings of the model's "
     "turn as the prompt has, or as a whole text where the prompt has none"},
    {TextNote::kOtherFamily, "other_family",
     "a text holds turn marks of another model's template, which this model reads as letters: apply this model's "
     "template, or send messages"},
    {TextNote::kSpelledEnd, "spelled_end",
     "a response spells the end of its turn: it is taken once, at the very end, for the token it spells"},
    {TextNote::kUnscored, "unscored",
     "a text of a batch could not be scored: the reply has the reason beside null, or the number of --unscored"},
}};

const NoteText& text_of(TextNote note) {
  for (const NoteText& text : kTexts) {
    if (text.note == note) {
      return text;
    }
  }
  throw InternalError("[text_note] " + std::to_string(static_cast<int>(note)) + " is no note");
}

}  // namespace

std::string_view text_note_name(TextNote note) { return text_of(note).name; }
std::string_view text_note_advice(TextNote note) { return text_of(note).advice; }

void SaidNotes::say_once(const std::string& model, TextNote note) {
  const std::lock_guard lock(mutex_);
  if (say_ && said_.insert({model, note}).second) {
    say_("endorm: " + model + ": " + std::string(text_note_advice(note)) +
         " (said once; endorm_texts_noted_total in /metrics counts them)");
  }
}

void SaidNotes::say_unread_once(const std::string& model, const std::string& field) {
  const std::lock_guard lock(mutex_);
  if (say_ && unread_.size() < kMostUnreadFields && unread_.insert({model, field}).second) {
    say_("endorm: " + model + ": requests have a field that nothing reads: " + nlohmann::json(excerpt(field)).dump() +
         " (said once)");
  }
}

}  // namespace endorm
