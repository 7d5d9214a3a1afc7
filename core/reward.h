#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/token_stats.h"

namespace endorm {

// The paper's quantities for one response token (arXiv:2506.23235; docs/method in the project's documentation).
struct TokenReward {
  double q = 0.0;                 // Q(s_h, a_h)
  double value = 0.0;             // V(s_h) = alpha * logsumexp(Q(s_h, .) / alpha)
  double log_prob = 0.0;          // log pi(a_h | s_h) = (Q(s_h, a_h) - V(s_h)) / alpha, nats, <= 0 up to rounding
  double reward = 0.0;            // r_h = Q(s_h, a_h) - V(s_{h+1}); V after the last token is 0
  std::optional<double> entropy;  // of pi(. | s_h), nats
  std::optional<double> uniform_divergence = std::nullopt;  // KL(uniform || pi(. | s_h)), nats: self-certainty
};

// V(s) = alpha * logsumexp(q / alpha) of one row of logits q [V].
double soft_value(std::span<const float> q, double alpha = 1.0);

// The inverse soft Bellman operator over a response of T tokens: stats [T] -> rewards [T]. Throws InvalidInput on
// alpha <= 0 or a logit or log_sum_exp that is not finite: a masked token (logit -infinity) has no reward.
std::vector<TokenReward> token_rewards(std::span<const TokenStats> stats, double alpha = 1.0);

// What aggregate() reads of them: log pi(a_h | s_h) [T], and V(s_1), none where there are no tokens.
std::vector<double> log_probs_of(std::span<const TokenReward> rewards);
std::optional<double> initial_value_of(std::span<const TokenReward> rewards);

// P(first preferred over second) = sigmoid(first - second), Bradley-Terry; stable for differences of any size. Throws
// InvalidInput where a reward is not finite.
double preference_probability(double first_reward, double second_reward);

}  // namespace endorm
