#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "train/rollout.h"

namespace endorm {

// Over which responses a source's rewards are brought to mean 0 and deviation 1 before they are mixed.
enum class RewardScope { kNone, kGroup, kBatch };

// "none", "group", "batch".
std::string_view reward_scope_name(RewardScope scope);

struct WeightAtStep {
  std::size_t step = 0;
  double weight = 1.0;
};

// How much a source of reward counts, by step: a straight line from each point to the next, level before the first and
// behind the last. "First endogenous, then verified" at step 50: {{49, 1}, {50, 0}} and {{49, 0}, {50, 1}}.
struct RewardSource {
  std::vector<WeightAtStep> weights = {WeightAtStep{}};  // at least one, their steps rising
  RewardScope normalise = RewardScope::kNone;  // where sources are mixed, kGroup or kBatch brings them to one scale

  double weight(std::size_t step) const;
};

// The indices of the rollouts of each group, by group.
std::map<std::size_t, std::vector<std::size_t>> rollouts_by_group(std::span<const Rollout> rollouts);

// The reward of every token, [B][T]: the weighted sum over sources, each normalised by itself before (its numbers of
// responses and its numbers of tokens apart; deviation + epsilon divides). What a source of weight 0 says is not read.
// Throws InvalidInput where a rollout has no token or not K rewards, an array is not [T], or a number is not finite.
std::vector<std::vector<double>> mixed_rewards(std::span<const Rollout> rollouts, std::span<const RewardSource> sources,
                                               std::size_t step, double epsilon);

}  // namespace endorm
