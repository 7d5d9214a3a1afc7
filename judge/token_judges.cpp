#include <span>
#include <utility>

#include "core/errors.h"
#include "judge/judges.h"

namespace endorm {
namespace {

// x_h of one response token.
using TokenQuantity = double (*)(const TokenReward& token);

double log_likelihood(const TokenReward& token) { return token.log_prob; }

double present(const std::optional<double>& value, const char* name) {
  if (value) {
    return *value;
  }
  throw InvalidInput("[judge] a token has no " + std::string(name) +
                     ": the cache that it comes from was filled without. Give another --cache.");
}

double minus_entropy(const TokenReward& token) { return -present(token.entropy, "entropy"); }

double self_certainty(const TokenReward& token) { return present(token.uniform_divergence, "divergence from uniform"); }

// Aggregates one quantity of the tokens in place of alpha log pi.
class TokenJudge final : public Scorer {
 public:
  TokenJudge(const JudgeParts& parts, ScoreOptions options, TokenQuantity quantity)
      : options_(options), quantity_(quantity), scorer_(parts.engine, parts.cache, std::move(options)) {}

  std::vector<Scored> score(std::span<const Request> requests) override {
    std::vector<Scored> scored = scorer_.score(requests);
    for (Scored& record : scored) {
      for (ScoredOutcome& outcome : record.responses) {
        try {
          if (outcome.scored) {
            judge(*outcome.scored);
          }
        } catch (const InvalidInput& error) {
          outcome = {std::nullopt, error.what(), false};
        }
      }
    }
    return scored;
  }

 private:
  void judge(ScoredResponse& response) const {
    std::vector<double> quantities;  // [T]
    for (const TokenReward& token : response.tokens) {
      quantities.push_back(quantity_(token));
    }
    std::vector<TokenRange> steps;
    for (const StepReward& step : response.aggregates.value().steps) {
      steps.push_back(step.tokens);
    }
    response.aggregates = aggregate(quantities, steps, 1.0, options_.aggregate);
    response.reward = chosen_reward(*response.aggregates, options_.aggregate.kind);
  }

  ScoreOptions options_;
  TokenQuantity quantity_;
  EndogenousScorer scorer_;
};

Judge make_token_judge(const JudgeParts& parts, Aggregation kind, TokenQuantity quantity) {
  ScoreOptions options = parts.score;
  options.aggregate.kind = kind;
  options.aggregate.initial_value = false;
  Judge judge;
  judge.fingerprint = score_fingerprint(options);
  judge.scorer = std::make_unique<TokenJudge>(parts, std::move(options), quantity);
  return judge;
}

}  // namespace

Judge make_endorm(const JudgeParts& parts) {
  Judge judge;
  judge.fingerprint = score_fingerprint(parts.score);
  judge.scorer = std::make_unique<EndogenousScorer>(parts.engine, parts.cache, parts.score);
  return judge;
}

Judge make_mean_log_likelihood(const JudgeParts& parts) {
  return make_token_judge(parts, Aggregation::kMean, log_likelihood);
}

Judge make_sum_log_likelihood(const JudgeParts& parts) {
  return make_token_judge(parts, Aggregation::kSum, log_likelihood);
}

Judge make_minus_entropy(const JudgeParts& parts) {
  require_capability(parts.engine.capabilities().entropy, "minus-entropy", parts.engine);
  return make_token_judge(parts, Aggregation::kMean, minus_entropy);
}

Judge make_self_certainty(const JudgeParts& parts) {
  require_capability(parts.engine.capabilities().uniform_divergence, "self-certainty", parts.engine);
  return make_token_judge(parts, Aggregation::kMean, self_certainty);
}

}  // namespace endorm
