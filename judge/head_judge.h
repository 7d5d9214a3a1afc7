#pragma once

#include "judge/judge.h"

namespace endorm {

// A trained scalar reward model: parts.engine is its body, parts.head_file its head (judge/reward_head.h). The reward
// is the head's value at the last token of prompt and response as the chat template writes them, the end of the turn
// and white space behind it included: what AutoModelForSequenceClassification reads of an unpadded conversation. Of
// parts.score only the rule for long sequences counts.
//
// Throws InvalidInput without a head file, on one that is no reward head or of another width than the model, and where
// the engine gives no hidden states.
Judge make_head(const JudgeParts& parts);

}  // namespace endorm
