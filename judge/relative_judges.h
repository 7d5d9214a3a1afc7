#pragma once

#include "judge/judge.h"

namespace endorm {

// Relative rewards: the endogenous reward G of a response minus what G is under other conditions, in every aggregation
// (docs/relative-rewards.md derives them). All conditions of a call are scored together, so that equal pairs of prompt
// and response are computed once. x is the conversation without its system message c, y the response.

// G(y | c, x) - mean over c' of G(y | c', x). The alternatives c' are Request::alternatives, or parts.contrast where
// there are none; c itself is left out of them, and so are repetitions. A response is an error where nothing is left,
// where the request has no system message, or where a system message would have been cut off to fit the context.
Judge make_contrast(const JudgeParts& parts);

// G(y | c, x) - G(y | c, nothing): the conversation is replaced by one empty user turn, a system message stays. A
// template that adds nothing of its own ("raw") needs a model with a BOS token, or a system message.
Judge make_information_gain(const JudgeParts& parts);

// G(y | c, x) - G_reference(y | c, x). The two models may have different tokenizers and templates. Throws InvalidInput
// without parts.reference, and where it cannot give what parts.score asks for.
Judge make_log_ratio(const JudgeParts& parts);

}  // namespace endorm
