#include "judge/ask_model.h"

#include "core/errors.h"
#include "engine/generator.h"
#include "engine/text_form.h"
#include "judge/judges.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

// Whether a question of so many tokens fits with its reply; where not, the reply says why there is none.
bool fits(std::size_t tokens, const Engine& engine, const AskOptions& options, Reply& reply) {
  const std::size_t context = engine.capabilities().context;
  if (context == 0 || tokens + options.max_tokens <= context) {
    return true;
  }
  const std::string fact = "the judge's question and reply have " + std::to_string(tokens) + " + " +
                           std::to_string(options.max_tokens) + " tokens, the context holds " + std::to_string(context);
  reply.skipped = options.overflow == Overflow::kSkip;
  reply.error = reply.skipped ? "[ask_model] skipped: " + fact
                              : "[ask_model] " + fact + ". Use a larger --context, or --on-overflow skip";
  return false;
}

}  // namespace

AskOptions ask_options(const JudgeParts& parts, std::string_view judge, std::size_t reply_tokens) {
  require_capability(parts.engine.generator() != nullptr, judge, parts.engine);
  AskOptions options;
  options.text = parts.score.text;
  options.max_tokens = parts.max_reply_tokens.value_or(reply_tokens);
  options.overflow = parts.score.overflow;
  return options;
}

std::string asking_fingerprint(std::string_view prompt_file, const AskOptions& options, const std::string& rules) {
  return JudgePrompt(prompt_file).fingerprint() + " max_reply_tokens=" + std::to_string(options.max_tokens) + rules +
         template_fingerprint(options.text);
}

std::vector<Reply> ask_model(Engine& engine, std::span<const Question> questions, const AskOptions& options) {
  const TextForm& form = required(engine.text_form(), engine, "ask_model");
  Generator& generator = required(engine.generator(), engine, "ask_model");
  std::vector<Reply> replies(questions.size());
  std::vector<GenerationRequest> asked;
  std::vector<std::size_t> places;  // of asked, in questions
  for (std::size_t i = 0; i < questions.size(); ++i) {
    try {
      Tokens prompt = form.open_turn(questions[i].messages, options.text);
      if (fits(prompt.size(), engine, options, replies[i])) {
        asked.push_back({std::move(prompt), questions[i].seed});
        places.push_back(i);
      }
    } catch (const InvalidInput& error) {
      replies[i].error = error.what();
    }
  }
  SamplingOptions sampling;
  sampling.max_tokens = options.max_tokens;
  sampling.temperature = options.temperature;
  const auto ask_some = [&](std::size_t begin, std::size_t count) {
    const std::vector<Completion> completions = generator.generate(std::span(asked).subspan(begin, count), sampling);
    for (std::size_t i = 0; i < count; ++i) {
      replies[places[begin + i]].text = completions[i].text;
    }
  };
  together_or_each(asked.size(), ask_some,
                   [&](std::size_t i, const std::string& reason) { replies[places[i]].error = reason; });
  return replies;
}

}  // namespace endorm
