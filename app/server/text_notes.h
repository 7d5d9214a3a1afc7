#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace endorm {

// What is worth telling of a text, beside its reward.
enum class TextNote {
  kSeveralTurns,  // it holds several openings, each behind a turn of a user or tool: a conversation, or a response that
                  // spells one
  kSecondOpening,  // it holds an opening that no turn of a user or tool precedes: the response spelled it, or the
                   // prompt
  kPromptAbsent,   // it does not begin with the prompt that was given beside it
  kOtherFamily,    // marks of another model's template stand in it as letters
  kSpelledEnd,     // a response spelled the end of its turn
  kUnscored,       // it could not be scored, and stands without a reward beside others of its batch
};

constexpr std::array<TextNote, 6> kTextNotes = {TextNote::kSeveralTurns, TextNote::kSecondOpening,
                                                TextNote::kPromptAbsent, TextNote::kOtherFamily,
                                                TextNote::kSpelledEnd,   TextNote::kUnscored};

// What a note is called in /metrics and in the log.
std::string_view text_note_name(TextNote note);
// What it means and what can be done, said once.
std::string_view text_note_advice(TextNote note);

// Says each note once a model to whoever runs the server. Thread-safe.
class SaidNotes {
 public:
  explicit SaidNotes(std::function<void(const std::string& line)> say) : say_(std::move(say)) {}  // none: nobody
  void say_once(const std::string& model, TextNote note);
  // The same of a field of requests that nothing reads, as long as there are few of them: names come from outside.
  void say_unread_once(const std::string& model, const std::string& field);

 private:
  std::function<void(const std::string& line)> say_;
  std::mutex mutex_;
  std::set<std::pair<std::string, TextNote>> said_;
  std::set<std::pair<std::string, std::string>> unread_;
};

}  // namespace endorm
