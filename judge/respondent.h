#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"
#include "judge/judge.h"

namespace endorm {

// One question to a model.
struct Question {
  std::vector<Message> messages;
  std::uint64_t seed = 0;  // of its reply; of no effect at temperature 0
};

// What the model wrote, or why it wrote nothing.
struct Reply {
  std::string text;
  std::string error;     // not empty: there is no reply
  bool skipped = false;  // left out on purpose (Overflow::kSkip); error says why
};

// Who answers the questions of a judge: the engine's own model (judge/ask_model.h), or a model behind a server
// (judge/chat_server.h).
class Respondent {
 public:
  virtual ~Respondent() = default;

  // One reply a question, in order. A question that cannot be answered costs no other its reply. Throws EngineError
  // where none can be.
  virtual std::vector<Reply> ask(std::span<const Question> questions, double temperature) = 0;
  virtual double temperature() const { return 0.0; }  // at which a question is asked first
  virtual std::size_t reply_tokens() const = 0;       // of a reply, at most
  virtual std::string fingerprint() const = 0;  // what else distinguishes its replies; empty, or begins with a space
  virtual std::optional<AskingAccount> account() const { return std::nullopt; }  // of a server
};

// What distinguishes the numbers of a judge that asks: the prompt, the length of replies, `rules` of its own ("
// seed=5") and who answers.
std::string asking_fingerprint(std::string_view prompt_file, const Respondent& respondent, const std::string& rules);

// Judge::account of a judge whose scorer owns the respondent.
std::function<std::optional<AskingAccount>()> account_of(const Respondent& respondent);

}  // namespace endorm
