#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "train/kl.h"
#include "train/reward_mix.h"

namespace endorm {

// How token rewards become advantages. With r_t the mixed reward of a token less kl_coefficient * k_t, T the tokens of
// a response, R = sum r_t its score, G its group and n the size of that:
//
//   kPpo: A_t = sum_l (gamma lambda)^l delta_{t+l}, delta_t = r_t + gamma V_{t+1} - V_t, V after the last token 0 (GAE,
//     Schulman et al., arXiv 1506.02438 equation 16), then standardised over the batch's tokens.
//   kGrpo: A_t = (R - mean_G R) / std_G R (DeepSeekMath, arXiv 2402.03300 section 4.1.2); without the division it is
//     Dr. GRPO (arXiv 2503.20783).
//   kRloo: A_t = R - mean of the other n - 1 scores of G (Ahmadian et al., arXiv 2402.14740).
//   kReinforcePlusPlus: A_t = sum_{l >= t} gamma^(l-t) r_l, or R - mean_G R with the group's mean as a baseline, then
//     standardised over the batch's tokens (Hu, arXiv 2501.03262).
//
// Standard deviations have n - 1 in their denominator. Scores that are all equal give advantage 0.
enum class Algorithm { kPpo, kGrpo, kRloo, kReinforcePlusPlus };
inline constexpr std::array<std::pair<std::string_view, Algorithm>, 4> kAlgorithms{
    {{"ppo", Algorithm::kPpo},
     {"grpo", Algorithm::kGrpo},
     {"rloo", Algorithm::kRloo},
     {"reinforce++", Algorithm::kReinforcePlusPlus}}};

struct AdvantageOptions {
  Algorithm algorithm = Algorithm::kGrpo;
  std::vector<RewardSource> sources = {RewardSource{}};  // [K]
  double gamma = 1.0;                                    // PPO and REINFORCE++, in [0, 1]
  double lambda = 0.95;                                  // PPO, in [0, 1]
  bool divide_by_deviation = true;                       // GRPO
  bool group_baseline = false;                           // REINFORCE++
  double kl_coefficient = 0.0;  // of the KL to the reference inside the reward, nats to reward, >= 0
  KlEstimator kl_estimator = KlEstimator::kK1;
  double epsilon = 1e-4;  // added to every deviation that divides, so that rewards equal but for rounding stay small
};

struct Advantages {
  std::vector<std::vector<double>> advantage = {};  // [B][T]
  std::vector<std::vector<double>> returns = {};    // [B][T] PPO: what the values are fitted to; otherwise empty
};

// The advantages of a whole batch at a step of the run, which sets the weights of the sources. Throws InvalidInput on
// a rollout that lacks what the algorithm reads (values of [T] for PPO, reference_log_prob of [T] for a KL, two
// responses to each prompt for RLOO); what mixed_rewards refuses; numbers that are not finite.
Advantages batch_advantages(std::span<const Rollout> rollouts, const AdvantageOptions& options, std::size_t step);

struct GeneralisedAdvantage {
  std::vector<double> advantage;  // [T]
  std::vector<double> returns;    // [T] advantage + value: the lambda-return
};

// GAE of one response: rewards [T], values [T]. Throws InvalidInput where their lengths differ.
GeneralisedAdvantage generalised_advantage(std::span<const double> rewards, std::span<const double> values,
                                           double gamma, double lambda);

}  // namespace endorm
