#include "train/advantage.h"

#include <cmath>
#include <string>
#include <utility>

#include "core/errors.h"

namespace endorm {
namespace {

using TokenNumbers = std::vector<std::vector<double>>;  // [B][T]

void check_tokens(const std::vector<double>& numbers, std::size_t tokens, const char* name, std::size_t rollout) {
  const std::string where = "[batch_advantages] rollout " + std::to_string(rollout) + ": " + name;
  if (numbers.size() != tokens) {
    throw InvalidInput(where + " has " + std::to_string(numbers.size()) + " numbers for " + std::to_string(tokens) +
                       " tokens");
  }
  for (const double number : numbers) {
    if (!std::isfinite(number)) {
      throw InvalidInput(where + " holds " + std::to_string(number) + "; it must be finite");
    }
  }
}

void subtract_kl(TokenNumbers& rewards, std::span<const Rollout> rollouts, const AdvantageOptions& options) {
  if (options.kl_coefficient == 0.0) {
    return;
  }
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    check_tokens(rollouts[i].log_prob, rewards[i].size(), "log_prob", i);
    check_tokens(rollouts[i].reference_log_prob, rewards[i].size(), "reference_log_prob", i);
    for (std::size_t t = 0; t < rewards[i].size(); ++t) {
      rewards[i][t] -= options.kl_coefficient *
                       kl_estimate(options.kl_estimator, rollouts[i].log_prob[t], rollouts[i].reference_log_prob[t]);
    }
  }
}

void standardise_batch(TokenNumbers& numbers, double epsilon) {
  std::vector<double*> all;
  for (std::vector<double>& response : numbers) {
    for (double& number : response) {
      all.push_back(&number);
    }
  }
  standardise(all, true, epsilon);
}

void sum_to_go(std::vector<double>& rewards, double gamma) {
  for (std::size_t t = rewards.size() - 1; t-- > 0;) {
    rewards[t] += gamma * rewards[t + 1];
  }
}

std::vector<double> scores_of(const TokenNumbers& rewards) {
  std::vector<double> scores;
  for (const std::vector<double>& response : rewards) {
    double sum = 0.0;
    for (const double reward : response) {
      sum += reward;
    }
    scores.push_back(sum);
  }
  return scores;
}

TokenNumbers spread(std::span<const double> scores, TokenNumbers tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i].assign(tokens[i].size(), scores[i]);
  }
  return tokens;
}

TokenNumbers standardised_scores(const TokenNumbers& rewards, std::span<const Rollout> rollouts, bool divide,
                                 double epsilon) {
  std::vector<double> scores = scores_of(rewards);
  for (const auto& [group, members] : rollouts_by_group(rollouts)) {
    std::vector<double*> of_group;
    for (const std::size_t i : members) {
      of_group.push_back(&scores[i]);
    }
    standardise(of_group, divide, epsilon);
  }
  return spread(scores, rewards);
}

TokenNumbers leave_one_out(const TokenNumbers& rewards, std::span<const Rollout> rollouts, double epsilon) {
  // R_i - (sum - R_i) / (n - 1) is (R_i - mean) * n / (n - 1), where equal scores give exactly 0.
  TokenNumbers advantage = standardised_scores(rewards, rollouts, false, epsilon);
  for (const auto& [group, members] : rollouts_by_group(rollouts)) {
    if (members.size() < 2) {
      throw InvalidInput("[batch_advantages] group " + std::to_string(group) +
                         " has one response; RLOO needs two or more to each prompt");
    }
    const double size = static_cast<double>(members.size());
    for (const std::size_t i : members) {
      for (double& value : advantage[i]) {
        value *= size / (size - 1.0);
      }
    }
  }
  return advantage;
}

TokenNumbers reinforce_plus_plus(TokenNumbers rewards, std::span<const Rollout> rollouts,
                                 const AdvantageOptions& options) {
  if (options.group_baseline) {
    rewards = standardised_scores(rewards, rollouts, false, options.epsilon);
  } else {
    for (std::vector<double>& response : rewards) {
      sum_to_go(response, options.gamma);
    }
  }
  standardise_batch(rewards, options.epsilon);
  return rewards;
}

Advantages ppo(const TokenNumbers& rewards, std::span<const Rollout> rollouts, const AdvantageOptions& options) {
  Advantages found;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    check_tokens(rollouts[i].values, rewards[i].size(), "values", i);
    GeneralisedAdvantage one = generalised_advantage(rewards[i], rollouts[i].values, options.gamma, options.lambda);
    found.advantage.push_back(std::move(one.advantage));
    found.returns.push_back(std::move(one.returns));
  }
  standardise_batch(found.advantage, options.epsilon);
  return found;
}

}  // namespace

Advantages batch_advantages(std::span<const Rollout> rollouts, const AdvantageOptions& options, std::size_t step) {
  TokenNumbers rewards = mixed_rewards(rollouts, options.sources, step, options.epsilon);
  subtract_kl(rewards, rollouts, options);
  switch (options.algorithm) {
    case Algorithm::kPpo:
      return ppo(rewards, rollouts, options);
    case Algorithm::kRloo:
      return {leave_one_out(rewards, rollouts, options.epsilon), {}};
    case Algorithm::kReinforcePlusPlus:
      return {reinforce_plus_plus(std::move(rewards), rollouts, options), {}};
    case Algorithm::kGrpo:
      break;
  }
  return {standardised_scores(rewards, rollouts, options.divide_by_deviation, options.epsilon), {}};
}

GeneralisedAdvantage generalised_advantage(std::span<const double> rewards, std::span<const double> values,
                                           double gamma, double lambda) {
  if (rewards.size() != values.size()) {
    throw InvalidInput("[generalised_advantage] " + std::to_string(values.size()) + " values for " +
                       std::to_string(rewards.size()) + " rewards");
  }
  GeneralisedAdvantage found{std::vector<double>(rewards.size()), std::vector<double>(rewards.size())};
  double next_value = 0.0;
  double next_advantage = 0.0;
  for (std::size_t t = rewards.size(); t-- > 0;) {
    const double delta = rewards[t] + gamma * next_value - values[t];
    next_advantage = delta + gamma * lambda * next_advantage;
    next_value = values[t];
    found.advantage[t] = next_advantage;
    found.returns[t] = next_advantage + values[t];
  }
  return found;
}

}  // namespace endorm
