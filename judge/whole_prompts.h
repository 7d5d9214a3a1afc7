#pragma once

#include "score/endogenous_scorer.h"

namespace endorm {

// The options with prompts that are never cut: kTruncateLeft becomes kError. To make room, prompts lose tokens after
// the first one: the system message, or a judge's criteria, would go before anything else.
ScoreOptions with_whole_prompts(ScoreOptions options);

}  // namespace endorm
