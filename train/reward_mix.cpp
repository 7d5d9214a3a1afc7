#include "train/reward_mix.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "core/errors.h"

namespace endorm {
namespace {

void check_part(const RewardPart& part, std::size_t tokens, std::size_t rollout, std::size_t source) {
  const std::string where = "[mixed_rewards] rollout " + std::to_string(rollout) + ", source " + std::to_string(source);
  if (!part.tokens.empty() && part.tokens.size() != tokens) {
    throw InvalidInput(where + ": " + std::to_string(part.tokens.size()) + " token rewards for " +
                       std::to_string(tokens) + " tokens");
  }
  bool finite = std::isfinite(part.response);
  for (const double reward : part.tokens) {
    finite = finite && std::isfinite(reward);
  }
  if (!finite) {
    throw InvalidInput(where + ": a reward is not finite; drop the response or repair its reward");
  }
}

void normalise_over(std::vector<RewardPart>& parts, std::span<const std::size_t> rollouts, double epsilon) {
  std::vector<double*> responses;
  std::vector<double*> tokens;
  for (const std::size_t rollout : rollouts) {
    responses.push_back(&parts[rollout].response);
    for (double& reward : parts[rollout].tokens) {
      tokens.push_back(&reward);
    }
  }
  standardise(responses, true, epsilon);
  standardise(tokens, true, epsilon);
}

}  // namespace

double RewardSource::weight(std::size_t step) const {
  const auto next = std::ranges::upper_bound(weights, step, {}, &WeightAtStep::step);
  if (next == weights.begin()) {
    return weights.front().weight;
  }
  if (next == weights.end()) {
    return weights.back().weight;
  }
  const WeightAtStep& from = *std::prev(next);
  const WeightAtStep& to = *next;
  const double passed = static_cast<double>(step - from.step) / static_cast<double>(to.step - from.step);
  return from.weight + passed * (to.weight - from.weight);
}

std::map<std::size_t, std::vector<std::size_t>> rollouts_by_group(std::span<const Rollout> rollouts) {
  std::map<std::size_t, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    groups[rollouts[i].group].push_back(i);
  }
  return groups;
}

std::vector<std::vector<double>> mixed_rewards(std::span<const Rollout> rollouts, std::span<const RewardSource> sources,
                                               std::size_t step, double epsilon) {
  std::vector<std::vector<double>> mixed(rollouts.size());
  std::vector<std::size_t> batch(rollouts.size());
  for (std::size_t i = 0; i < rollouts.size(); ++i) {
    const Rollout& rollout = rollouts[i];
    if (rollout.log_prob.empty() || rollout.rewards.size() != sources.size()) {
      throw InvalidInput("[mixed_rewards] rollout " + std::to_string(i) + " has " +
                         std::to_string(rollout.log_prob.size()) + " tokens and " +
                         std::to_string(rollout.rewards.size()) + " rewards; it needs a token and " +
                         std::to_string(sources.size()) + " rewards, one for each source");
    }
    mixed[i].assign(rollout.log_prob.size(), 0.0);
    batch[i] = i;
  }
  const std::map<std::size_t, std::vector<std::size_t>> groups = rollouts_by_group(rollouts);
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const double weight = sources[k].weight(step);
    if (weight == 0.0) {
      continue;
    }
    std::vector<RewardPart> parts;
    for (std::size_t i = 0; i < rollouts.size(); ++i) {
      check_part(rollouts[i].rewards[k], mixed[i].size(), i, k);
      parts.push_back(rollouts[i].rewards[k]);
    }
    if (sources[k].normalise == RewardScope::kBatch) {
      normalise_over(parts, batch, epsilon);
    } else if (sources[k].normalise == RewardScope::kGroup) {
      for (const auto& [group, members] : groups) {
        normalise_over(parts, members, epsilon);
      }
    }
    for (std::size_t i = 0; i < rollouts.size(); ++i) {
      for (std::size_t t = 0; t < parts[i].tokens.size(); ++t) {
        mixed[i][t] += weight * parts[i].tokens[t];
      }
      mixed[i].back() += weight * parts[i].response;
    }
  }
  return mixed;
}

void standardise(std::span<double* const> values, bool divide, double epsilon) {
  if (values.empty()) {
    return;
  }
  double sum = 0.0;
  bool equal = true;
  for (const double* value : values) {
    if (!std::isfinite(*value)) {
      throw InvalidInput("[standardise] a value is " + std::to_string(*value) + ": rewards must be finite");
    }
    sum += *value;
    equal = equal && *value == *values.front();
  }
  if (equal) {  // said apart: the mean of n times 0.1 is not 0.1, and the rest would be divided by itself
    for (double* value : values) {
      *value = 0.0;
    }
    return;
  }
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0.0;
  for (const double* value : values) {
    squares += (*value - mean) * (*value - mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  const double scale = divide ? 1.0 / (deviation + epsilon) : 1.0;
  for (double* value : values) {
    *value = (*value - mean) * scale;
  }
}

}  // namespace endorm
