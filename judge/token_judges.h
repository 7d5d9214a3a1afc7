#pragma once

#include "judge/judge.h"

namespace endorm {

// Judges that read the model's own token statistics, through the endogenous scorer and the shared cache. x_h is a
// quantity of response token h (T tokens) at its state s_h; ScoredResponse::aggregates are those of x.

// EndoRM itself: x_h = alpha log pi(a_h | s_h), in the aggregation that parts.score asks for.
Judge make_endorm(const JudgeParts& parts);

// 1/T sum_h log pi(a_h | s_h) and sum_h log pi(a_h | s_h), nats, pi being the policy at parts.score.alpha.
Judge make_mean_log_likelihood(const JudgeParts& parts);
Judge make_sum_log_likelihood(const JudgeParts& parts);

// -1/T sum_h H(pi(. | s_h)), nats. Throws InvalidInput where the engine gives no entropy.
Judge make_minus_entropy(const JudgeParts& parts);

// 1/T sum_h KL(uniform || pi(. | s_h)), nats (Kang et al. 2025, arXiv:2502.18581). Throws InvalidInput where the engine
// does not give it.
Judge make_self_certainty(const JudgeParts& parts);

}  // namespace endorm
