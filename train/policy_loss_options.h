#pragma once

#include <optional>
#include <string_view>

#include "train/kl.h"

// What a policy loss is; train/policy_loss.h computes it.
namespace endorm {

enum class LossAverage {
  kToken,     // every token of the batch counts 1 / (all tokens)
  kSequence,  // every response counts 1 / B, its tokens equally (GRPO, arXiv 2402.03300 equation 3)
};

// "token", "sequence".
std::string_view loss_average_name(LossAverage average);

enum class PolicyObjective {
  kClipped,    // -min(ratio A, clip(ratio, 1 - clip_low, 1 + clip_high) A)     (PPO, arXiv 1707.06347 equation 7)
  kReinforce,  // -A log pi                                                     (on-policy; the ratio is not used)
};

// "clipped", "reinforce".
std::string_view policy_objective_name(PolicyObjective objective);

struct PolicyLossOptions {
  PolicyObjective objective = PolicyObjective::kClipped;
  double clip_low = 0.2;                 // in [0, 1]
  double clip_high = 0.2;                // >= 0
  std::optional<double> dual_clip = {};  // > 1: where A < 0 the loss is at most dual_clip * -A (arXiv 1912.09729
                                         // equation 5)
  double kl_coefficient = 0.0;           // of the KL to the reference in the loss, >= 0
  KlEstimator kl_estimator = KlEstimator::kK3;
  double entropy_coefficient = 0.0;  // of the entropy that the loss rewards, >= 0
};

}  // namespace endorm
