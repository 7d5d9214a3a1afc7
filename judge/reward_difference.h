#pragma once

#include <span>

#include "core/aggregate.h"
#include "score/scored.h"

namespace endorm {

// The same response scored under other conditions [n >= 1]; own minus their mean, in every number: log_prob, value,
// every aggregation, every step, and every token's q, value, log_prob and reward. A token's entropy and divergence are
// left out. Where the others have other tokens (another tokenizer) there are no tokens at all, and steps keep the
// ranges of own's. reward is the aggregation `kind`. Throws InvalidInput where that needs steps and there are none, or
// the others have another number of steps.
ScoredResponse minus_mean_of(const ScoredResponse& own, std::span<const ScoredResponse* const> others,
                             Aggregation kind);

}  // namespace endorm
