#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/aggregate.h"
#include "engine/engine.h"
#include "score/option.h"

namespace endorm {

// What happens to a response whose sequence is longer than the context.
enum class Overflow { kError, kTruncateLeft, kSkip };

// Which turns of a conversation are scored.
enum class ScoredTurns {
  kLast,  // the response; what precedes it is context
  kAll,   // every turn of the assistant, each in the context that it was written in
};

// How rewards are read from a model. Two that differ in a field are never computed together.
struct ScoreOptions {
  AggregateOptions aggregate;
  double alpha = 1.0;  // temperature of the soft value
  // Other temperatures, whose statistics come from the same pass, where the engine can give them, and lie in the cache
  // for whoever asks next.
  std::vector<double> also_alphas;
  TemplateOptions text;
  ScoredTurns turns = ScoredTurns::kLast;
  Overflow overflow = Overflow::kError;
  bool find_steps = false;  // split responses that came without steps at step_separator
  std::string step_separator = "\n\n";
  // So many of the likeliest tokens of each place, from the same pass (EvaluateOptions::likeliest). A cache keeps none:
  // with them it is neither read nor written.
  std::size_t likeliest = 0;
  bool share_prefixes = true;  // false only to measure what sharing changes

  bool operator==(const ScoreOptions&) const = default;
};

// What a row shows beyond its numbers.
struct RowOptions {
  bool tokens = false;  // "messages" and "token_rewards"
  bool steps = false;   // "steps"
};

// What is asked of rewards: by the flags of a command, the arguments of a call, the "options" of a request.
struct RewardOptions {
  ScoreOptions score;
  RowOptions rows;
};

// The table of them: every option, once.
std::span<const Option<RewardOptions>> reward_options();

// How the rewards are read: with steps to be found where a row shows them, or the aggregation needs them.
ScoreOptions score_options(const RewardOptions& options);

}  // namespace endorm
