#include "core/reward.h"

#include <cmath>
#include <string>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/temperature.h"

namespace endorm {
namespace {

void require_finite(double value, const char* field, std::size_t token) {
  if (std::isfinite(value)) {
    return;
  }
  throw InvalidInput("[token_rewards] " + std::string(field) + " of token " + std::to_string(token) + " is " +
                     std::to_string(value) +
                     "; it must be finite: a token that the model masks out has no reward, leave the response out");
}

}  // namespace

double soft_value(std::span<const float> q, double alpha) { return alpha * row_statistics(q, alpha).log_sum_exp; }

std::vector<TokenReward> token_rewards(std::span<const TokenStats> stats, double alpha) {
  require_temperature(alpha, "token_rewards");
  std::vector<TokenReward> rewards(stats.size());
  for (std::size_t h = 0; h < stats.size(); ++h) {
    require_finite(stats[h].logit, "the logit", h);
    require_finite(stats[h].log_sum_exp, "log_sum_exp", h);
    rewards[h].q = stats[h].logit;
    rewards[h].value = alpha * stats[h].log_sum_exp;
    // log pi(a_h | s_h) = (Q(s_h, a_h) - V(s_h)) / alpha
    rewards[h].log_prob = (rewards[h].q - rewards[h].value) / alpha;
    rewards[h].entropy = stats[h].entropy;
    rewards[h].uniform_divergence = stats[h].uniform_divergence;
  }
  // The inverse soft Bellman operator: r_h = Q(s_h, a_h) - V(s_{h+1}).
  for (std::size_t h = 0; h < rewards.size(); ++h) {
    const double next_value = h + 1 < rewards.size() ? rewards[h + 1].value : 0.0;
    rewards[h].reward = rewards[h].q - next_value;
  }
  return rewards;
}

std::vector<double> log_probs_of(std::span<const TokenReward> rewards) {
  std::vector<double> log_probs;
  log_probs.reserve(rewards.size());
  for (const TokenReward& token : rewards) {
    log_probs.push_back(token.log_prob);
  }
  return log_probs;
}

std::optional<double> initial_value_of(std::span<const TokenReward> rewards) {
  return rewards.empty() ? std::nullopt : std::optional(rewards.front().value);
}

double preference_probability(double first_reward, double second_reward) {
  if (!std::isfinite(first_reward) || !std::isfinite(second_reward)) {
    throw InvalidInput("[preference_probability] the rewards are " + std::to_string(first_reward) + " and " +
                       std::to_string(second_reward) + "; both must be finite");
  }
  // sigmoid(x) = 1 / (1 + exp(-x)) for x >= 0 and exp(x) / (1 + exp(x)) below: neither exponential overflows, and a
  // small probability keeps its digits.
  const double difference = first_reward - second_reward;
  const double smaller = std::exp(-std::abs(difference));
  return (difference >= 0.0 ? 1.0 : smaller) / (1.0 + smaller);
}

}  // namespace endorm
