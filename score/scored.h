#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/aggregate.h"
#include "core/reward.h"
#include "engine/engine.h"

namespace endorm {

// One of the model's turns in a conversation, or one of its runs of tokens between what others said.
struct TurnReward {
  TokenRange tokens;    // of the response's
  double reward = 0.0;  // the aggregation that was chosen, over them
  double sum = 0.0;     // of alpha log pi
  double mean = 0.0;
};

// One of the likeliest tokens of a place.
struct LikelyToken {
  Token id = 0;
  double log_prob = 0.0;  // nats
};

// One scored response. Whoever reads no tokens of it (a judge that asks, counts or throws dice) gives a reward and
// leaves the quantities of tokens absent; a relative judge gives differences of all of them.
struct ScoredResponse {
  double reward = 0.0;                   // higher is better; EndoRM: the aggregation that was chosen
  std::optional<double> log_prob;        // sum of log pi, nats
  std::optional<double> value;           // V(s_1); absent, too, where the engine gives no raw logits
  std::optional<Aggregates> aggregates;  // of alpha log pi, or of what else a judge reads from each token
  std::vector<std::string> replies;      // what a judge's model wrote about it, in the order of the questions
  std::size_t unparsed = 0;              // of its questions: no reply had a verdict, and the judge's default stands in
  std::size_t inconsistent = 0;          // of its pairs asked in both orders: the verdicts contradict each other
  Finish finish = Finish::kTruncated;
  std::optional<ResponseContext> context;           // where it was read, by who reads tokens of it
  bool spelled_end = false;                         // its text spelled the end of its turn
  std::vector<TurnReward> turns;                    // where every turn is scored, or tokens between were masked
  std::size_t truncated_left = 0;                   // prompt tokens dropped from the left to fit the context
  std::vector<TokenReward> tokens;                  // [T]
  std::vector<std::string> token_texts;             // [T], each valid UTF-8; together they spell the response
  Tokens token_ids;                                 // [T]
  std::vector<std::vector<LikelyToken>> likeliest;  // [T], the likeliest first, where ScoreOptions::likeliest asks
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
