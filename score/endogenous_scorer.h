#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "score/request_tokens.h"
#include "score/score_options.h"
#include "score/scorer.h"
#include "score/stats_cache.h"

namespace endorm {

// Throws InvalidInput where no scorer of such an engine can give what the options ask for.
void require_scorable(const Capabilities& capabilities, const ScoreOptions& options);

// One response whose tokens are there.
struct ReadyResponse {
  const RequestResponse* response = nullptr;  // its steps and text; outlives the call it is given to
  PreparedResponse tokens;
};

// The endogenous reward (arXiv:2506.23235): the model's own logits, read. Prompts and responses become one prefix tree
// a call, whatever is shared is computed once, and equal (prompt, response) pairs are computed once for the cache's
// life.
class EndogenousScorer final : public Scorer {
 public:
  // Both must outlive the scorer. Throws as require_scorable.
  EndogenousScorer(Engine& engine, StatsCache& cache, ScoreOptions options);

  std::vector<Scored> score(std::span<const Request> requests) override;
  // The same of responses, of any requests, that prepare_request made ready with these options: one outcome each, in
  // order.
  std::vector<ScoredOutcome> score_ready(std::vector<ReadyResponse> responses);

  // Tokens of all sequences (prompt and response) that were asked for, duplicates included.
  std::optional<std::size_t> tokens_asked() const override { return tokens_asked_; }

 private:
  struct Job;

  Digest key_of(const Job& job, double alpha) const;
  Digest evaluation_of(std::span<Job* const> jobs) const;
  void evaluate(std::vector<Job*>& jobs);
  ScoredResponse assemble(std::span<const Job> turns, const RequestResponse& response) const;
  std::vector<TurnReward> turn_rewards(std::span<const Job> turns, const ScoredResponse& response) const;

  Engine& engine_;
  StatsCache& cache_;
  ScoreOptions options_;
  std::string fingerprint_;
  std::vector<double> alphas_;  // options_.alpha, then the others
  std::size_t tokens_asked_ = 0;
};

}  // namespace endorm
