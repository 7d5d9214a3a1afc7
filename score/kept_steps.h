#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "score/stats_cache.h"

namespace endorm {

// What the steps of one evaluation gave, in a cache, until the evaluation is whole: of a slow model one takes minutes,
// and a run that is killed within it goes on where it was. Written every few seconds; a quick one leaves nothing.
class KeptSteps final : public StepResults {
 public:
  // evaluation: what distinguishes it from every other one. The cache outlives this.
  KeptSteps(StatsCache& cache, const Digest& evaluation);

  std::optional<std::vector<TokenStats>> find(std::size_t step) override;
  void keep(std::size_t step, std::span<const TokenStats> stats) override;

  // Takes out of the cache what was kept, in a transaction that makes the whole durable.
  void forget(StatsCache::Transaction& transaction) const;

 private:
  Digest key_of(std::size_t step) const;

  StatsCache& cache_;
  Digest evaluation_;
  std::vector<std::pair<Digest, std::vector<TokenStats>>> waiting_;
  std::size_t steps_ = 0;
  std::chrono::steady_clock::time_point last_write_;
};

}  // namespace endorm
