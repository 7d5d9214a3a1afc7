#include <algorithm>
#include <cmath>
#include <utility>

#include "judge/judge_prompt.h"
#include "judge/judges.h"
#include "judge/prompt_files.h"

namespace endorm {
namespace {

// The answers of one question, scored, to the response's reward.
using Reading = double (*)(std::span<const ScoredOutcome> answers);

double mean_of_yes(std::span<const ScoredOutcome> answers) {
  const ScoredResponse& yes = *answers[0].scored;
  return yes.log_prob.value() / static_cast<double>(yes.token_ids.size());
}

// log sigmoid(log P(YES) - log P(NO)), exact in both tails.
double yes_against_no(std::span<const ScoredOutcome> answers) {
  const double difference = answers[0].scored->log_prob.value() - answers[1].scored->log_prob.value();
  return std::min(difference, 0.0) - std::log1p(std::exp(-std::abs(difference)));
}

class Verifier final : public Scorer {
 public:
  Verifier(const JudgeParts& parts, ScoreOptions options, std::vector<std::string> answers, Reading reading)
      : prompt_(verifier_prompt),
        answers_(std::move(answers)),
        reading_(reading),
        scorer_(parts.engine, parts.cache, std::move(options)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Request> questions;
    for (const Request& request : requests) {
      for (const RequestResponse& response : request.responses) {
        questions.push_back(question_about(request, response));
      }
    }
    const std::vector<Scored> answered = scorer_.score(questions);
    std::vector<Scored> result;
    std::size_t next = 0;
    for (const Request& request : requests) {
      Scored& record = result.emplace_back(record_of(request));
      for (std::size_t i = 0; i < request.responses.size(); ++i) {
        record.responses[i] = read(answered[next++].responses, request.responses[i]);
      }
    }
    return result;
  }

 private:
  Request question_about(const Request& request, const RequestResponse& response) const {
    Request question;
    question.messages = prompt_.fill({{"query", query_text(request.messages)}, {"response", response.text.text}});
    for (const std::string& answer : answers_) {
      question.responses.emplace_back().text.text = answer;
    }
    return question;
  }

  ScoredOutcome read(std::span<const ScoredOutcome> answers, const RequestResponse& response) const {
    for (const ScoredOutcome& answer : answers) {
      if (!answer.scored) {
        return {std::nullopt, "[verifier] the question about this response: " + answer.error, answer.skipped};
      }
    }
    return {unread_response(response, reading_(answers)), "", false};
  }

  JudgePrompt prompt_;
  std::vector<std::string> answers_;
  Reading reading_;
  EndogenousScorer scorer_;
};

Judge make(const JudgeParts& parts, std::vector<std::string> answers, Reading reading) {
  ScoreOptions options = with_whole_prompts(parts.score);
  options.aggregate = {.kind = Aggregation::kMean};
  options.text.end_of_turn = true;
  options.text.template_newline = false;
  options.text.reading = ResponseReading::kAuto;
  options.turns = ScoredTurns::kLast;
  options.find_steps = false;
  Judge judge;
  judge.fingerprint = JudgePrompt(verifier_prompt).fingerprint() + " " + score_fingerprint(options);
  judge.scorer = std::make_unique<Verifier>(parts, std::move(options), std::move(answers), reading);
  return judge;
}

}  // namespace

Judge make_verifier(const JudgeParts& parts) { return make(parts, {"YES"}, mean_of_yes); }

Judge make_verifier_normalized(const JudgeParts& parts) { return make(parts, {"YES", "NO"}, yes_against_no); }

}  // namespace endorm
