#pragma once

#include "judge/judge.h"

namespace endorm {

// Generative verifiers: the model is asked whether the response is a good one (judge/prompts/verifier.txt) and its
// answer is not written but read, teacher-forced. The system message, the criteria and the query stand before the
// response and are computed once for all responses of a request. Prompts are never cut: with
// ScoreOptions::overflow kTruncateLeft, too, a response whose question does not fit the context is an error. pi is the
// policy at parts.score.alpha.

// Mean of log pi over the answer "YES" and the end of the turn, nats: the paper's form (arXiv:2506.23235).
Judge make_verifier(const JudgeParts& parts);

// log(P(YES) / (P(YES) + P(NO))), nats, P the probability of the whole answer with the end of its turn.
Judge make_verifier_normalized(const JudgeParts& parts);

}  // namespace endorm
