#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "score/score_options.h"
#include "score/scorer.h"
#include "score/stats_cache.h"

namespace endorm {

// The endogenous reward (arXiv:2506.23235): the model's own logits, read. Prompts and responses become one prefix tree
// a call, whatever is shared is computed once, and equal (prompt, response) pairs are computed once for the cache's
// life.
class EndogenousScorer final : public Scorer {
 public:
  // Both must outlive the scorer. Throws InvalidInput where the engine cannot give what the options need.
  EndogenousScorer(Engine& engine, StatsCache& cache, ScoreOptions options);

  std::vector<Scored> score(std::span<const Request> requests) override;

  // Tokens of all sequences (prompt and response) that were asked for, duplicates included.
  std::optional<std::size_t> tokens_asked() const override { return tokens_asked_; }

 private:
  struct Job;

  void prepare(const Request& request, std::size_t index, std::vector<Job>& jobs, Scored& scored);
  Digest key_of(const Job& job, double alpha) const;
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
