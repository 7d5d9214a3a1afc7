#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/aggregate.h"
#include "core/reward.h"
#include "engine/engine.h"

namespace endorm {

// One scored response.
struct ScoredResponse {
  double reward = 0.0;          // the aggregation that was chosen
  double log_prob = 0.0;        // sum of log pi, nats
  std::optional<double> value;  // V(s_1); absent where the engine gives no raw logits
  Aggregates aggregates;
  Finish finish = Finish::kTruncated;
  std::size_t truncated_left = 0;        // prompt tokens dropped from the left to fit the context
  std::vector<TokenReward> tokens;       // [T]
  std::vector<std::string> token_texts;  // [T], each valid UTF-8; together they spell the response
  Tokens token_ids;                      // [T]
};

// One response, or why there is none.
struct ScoredOutcome {
  std::optional<ScoredResponse> scored;
  std::string error;     // where !scored
  bool skipped = false;  // left out on purpose (--on-overflow skip); error says why
};

// One record, scored.
struct Scored {
  std::string id;
  std::size_t line = 0;
  std::string key;
  std::vector<ScoredOutcome> responses;
};

}  // namespace endorm
