#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "judge/judge.h"
#include "judge/judge_prompt.h"

namespace endorm {

// One question to the model of a judge.
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

struct AskOptions {
  TemplateOptions text;                  // of the question
  std::size_t max_tokens = 8;            // of a reply
  double temperature = 0.0;              // 0: the most likely reply
  Overflow overflow = Overflow::kError;  // of a question that, with its reply, does not fit the context; it is never
                                         // cut: kTruncateLeft is kError
};

// How a judge of these parts asks: replies of at most parts.max_reply_tokens, or else as many as its form needs. Throws
// InvalidInput where the engine cannot write; `judge` is named in the message.
AskOptions ask_options(const JudgeParts& parts, std::string_view judge, std::size_t reply_tokens);

// What distinguishes the numbers of a judge that asks: the prompt, the length of replies, `rules` of its own ("
// seed=5") and the template.
std::string asking_fingerprint(std::string_view prompt_file, const AskOptions& options, const std::string& rules);

// One reply a question, in order, all drawn together. A question that the model cannot take costs no other its reply.
// Throws EngineError where it answers none because it fails.
std::vector<Reply> ask_model(Engine& engine, std::span<const Question> questions, const AskOptions& options);

}  // namespace endorm
