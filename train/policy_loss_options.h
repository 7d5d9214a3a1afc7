#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "train/kl.h"

// What a policy loss is; train/policy_loss.h computes it.
namespace endorm {

enum class LossAverage {
  kToken,     // every token of the batch counts 1 / (all tokens)
  kSequence,  // every response counts 1 / B, its tokens equally (GRPO, arXiv 2402.03300 equation 3)
};
inline constexpr std::array<std::pair<std::string_view, LossAverage>, 2> kLossAverages{
    {{"token", LossAverage::kToken}, {"sequence", LossAverage::kSequence}}};

// With the ratio of pi to pi_old, the policy that drew the token.
enum class PolicyObjective {
  kClipped,    // -min(ratio A, clip(ratio, 1 - kClip, 1 + kClip) A)     (PPO, arXiv 1707.06347 equation 7)
  kReinforce,  // -A log pi                                              (on-policy; the ratio is not used)
};
inline constexpr std::array<std::pair<std::string_view, PolicyObjective>, 2> kPolicyObjectives{
    {{"clipped", PolicyObjective::kClipped}, {"reinforce", PolicyObjective::kReinforce}}};

// How far a ratio may leave 1, and the value of a critic what it was, before the gradient is cut (both of the papers).
inline constexpr double kClip = 0.2;
// Of the critic's loss beside the policy's.
inline constexpr double kValueCoefficient = 0.1;

struct PolicyLossOptions {
  PolicyObjective objective = PolicyObjective::kClipped;
  double kl_coefficient = 0.0;  // of the KL to the reference in the loss, >= 0
  KlEstimator kl_estimator = KlEstimator::kK3;
  double entropy_coefficient = 0.0;  // of the entropy that the loss rewards, >= 0
};

}  // namespace endorm
