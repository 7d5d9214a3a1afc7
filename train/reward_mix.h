#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace endorm {

// What one source of reward says of one response of T tokens: a number that counts at its last token, numbers at every
// token, or both, which add up.
struct RewardPart {
  double response = 0.0;
  std::vector<double> tokens = {};  // [T], or empty
};

// One sampled response of T tokens and what is known of it.
struct Rollout {
  std::size_t group = 0;                        // responses to the same prompt share it
  std::vector<double> log_prob = {};            // [T] nats, by the policy that sampled it
  std::vector<double> reference_log_prob = {};  // [T] nats, or empty where no KL goes into the reward
  std::vector<double> values = {};       // [T] V of the state before each token, or empty where no critic is used
  std::vector<RewardPart> rewards = {};  // [K] one for each source
};

// Over which responses a source's rewards are brought to mean 0 and deviation 1 before they are mixed.
enum class RewardScope { kNone, kGroup, kBatch };
inline constexpr std::array<std::pair<std::string_view, RewardScope>, 3> kRewardScopes{
    {{"none", RewardScope::kNone}, {"group", RewardScope::kGroup}, {"batch", RewardScope::kBatch}}};

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

// Subtracts the mean of the values and, where divide is set, divides by their standard deviation (n - 1 in its
// denominator) + epsilon. values [n] points at each of them, so that they may lie in many arrays. Equal values, and one
// value alone, become exactly 0. Throws InvalidInput on a value that is not finite.
void standardise(std::span<double* const> values, bool divide, double epsilon);

}  // namespace endorm
