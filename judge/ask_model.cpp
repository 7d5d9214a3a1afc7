#include "judge/ask_model.h"

#include <utility>

#include "core/errors.h"
#include "engine/generator.h"
#include "engine/text_form.h"
#include "judge/judges.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

class EngineRespondent final : public Respondent {
 public:
  EngineRespondent(const JudgeParts& parts, std::size_t reply_tokens)
      : engine_(parts.engine),
        text_(parts.score.text),
        overflow_(parts.score.overflow),
        reply_tokens_(parts.max_reply_tokens.value_or(reply_tokens)) {}

  std::vector<Reply> ask(std::span<const Question> questions, double temperature) override {
    const TextForm& form = required(engine_.text_form(), engine_, "ask_model");
    Generator& generator = required(engine_.generator(), engine_, "ask_model");
    std::vector<Reply> replies(questions.size());
    std::vector<GenerationRequest> asked;
    std::vector<std::size_t> places;  // of asked, in questions
    for (std::size_t i = 0; i < questions.size(); ++i) {
      try {
        Tokens prompt = form.open_turn(questions[i].messages, text_);
        if (fits(prompt.size(), replies[i])) {
          asked.push_back({std::move(prompt), questions[i].seed});
          places.push_back(i);
        }
      } catch (const InvalidInput& error) {
        replies[i].error = error.what();
      }
    }
    SamplingOptions sampling;
    sampling.max_tokens = reply_tokens_;
    sampling.temperature = temperature;
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

  std::size_t reply_tokens() const override { return reply_tokens_; }
  std::string fingerprint() const override { return template_fingerprint(text_); }

 private:
  // Whether a question of so many tokens fits with its reply; where not, the reply says why there is none.
  bool fits(std::size_t tokens, Reply& reply) const {
    const std::size_t context = engine_.capabilities().context;
    if (context == 0 || tokens + reply_tokens_ <= context) {
      return true;
    }
    const std::string fact = "the judge's question and reply have " + std::to_string(tokens) + " + " +
                             std::to_string(reply_tokens_) + " tokens, the context holds " + std::to_string(context);
    reply.skipped = overflow_ == Overflow::kSkip;
    reply.error = reply.skipped ? "[ask_model] skipped: " + fact
                                : "[ask_model] " + fact + ". Use a larger --context, or --on-overflow skip";
    return false;
  }

  Engine& engine_;
  TemplateOptions text_;
  Overflow overflow_;
  std::size_t reply_tokens_;
};

}  // namespace

std::unique_ptr<Respondent> engine_respondent(const JudgeParts& parts, std::string_view judge,
                                              std::size_t reply_tokens) {
  require_capability(parts.engine.generator() != nullptr, judge, parts.engine);
  return std::make_unique<EngineRespondent>(parts, reply_tokens);
}

}  // namespace endorm
