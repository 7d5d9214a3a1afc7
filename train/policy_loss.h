#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "train/kl.h"

// Losses over N response tokens, those of many responses one after another without padding. They are computed in double
// whatever the type of log_prob, and are sums over weighted tokens: where the weights are those of the whole batch, the
// losses, gradients and reported numbers of its micro-batches add up to the batch's. What is not finite passes through
// into the reported numbers, where the caller's guard sees it.
namespace endorm {

enum class LossAverage {
  kToken,     // every token of the batch counts 1 / (all tokens)
  kSequence,  // every response counts 1 / B, its tokens equally (GRPO, arXiv 2402.03300 equation 3)
};

// The weights of the tokens of B responses, [sum of lengths], which sum to 1. Throws InvalidInput on no response or a
// length of 0.
std::vector<double> token_weights(std::span<const std::size_t> lengths, LossAverage average);

enum class PolicyObjective {
  kClipped,    // -min(ratio A, clip(ratio, 1 - clip_low, 1 + clip_high) A)     (PPO, arXiv 1707.06347 equation 7)
  kReinforce,  // -A log pi                                                     (on-policy; the ratio is not used)
};

struct PolicyLossOptions {
  PolicyObjective objective = PolicyObjective::kClipped;
  double clip_low = 0.2;   // in [0, 1]
  double clip_high = 0.2;  // >= 0
  std::optional<double> dual_clip =
      {};                       // > 1: where A < 0 the loss is at most dual_clip * -A (arXiv 1912.09729 equation 5)
  double kl_coefficient = 0.0;  // of the KL to the reference in the loss, >= 0
  KlEstimator kl_estimator = KlEstimator::kK3;
  double entropy_coefficient = 0.0;  // of the entropy that the loss rewards, >= 0
};

// One tensor on one device, each [N].
struct PolicyTokens {
  torch::Tensor log_prob = {};            // by the policy that learns, nats; carries the gradient
  torch::Tensor old_log_prob = {};        // by the policy that sampled, nats
  torch::Tensor advantage = {};           // standardised or not
  torch::Tensor weight = {};              // from token_weights
  torch::Tensor reference_log_prob = {};  // nats; undefined where no KL goes into the loss
  torch::Tensor entropy = {};  // of the policy at each token, nats, with its gradient; undefined where unknown
};

// Weighted sums over the tokens, with ratio = pi / pi_old.
struct PolicyLoss {
  torch::Tensor loss = {};                  // [], double: policy + kl_coefficient * kl - entropy_coefficient * entropy
  double policy = 0.0;                      // the objective's part
  std::optional<double> reference_kl = {};  // estimated KL(pi || ref) in nats
  std::optional<double> entropy = {};       // nats
  double clip_fraction = 0.0;               // of tokens whose gradient the clipping cuts
  double approximate_kl = 0.0;              // KL(pi_old || pi) by k3, nats
  double ratio_mean = 0.0;
};

// Throws InvalidInput on an option out of its range, a tensor that is not [N], or one that a coefficient needs and that
// is undefined.
PolicyLoss policy_loss(const PolicyTokens& tokens, const PolicyLossOptions& options);

struct ValueLoss {
  torch::Tensor loss = {};     // [], double
  double value = 0.0;          // the loss as a number
  double clip_fraction = 0.0;  // of tokens where the clipped error is the greater one
};

// Half the squared error of values [N], which carry the gradient, to returns [N]. With clip > 0, the greater of that
// and of the same with the value kept within clip of old_values [N] (Engstrom et al., arXiv 2005.12729 section 3).
// Throws InvalidInput on a clip that is not positive or a tensor that is not [N].
ValueLoss value_loss(const torch::Tensor& values, const torch::Tensor& old_values, const torch::Tensor& returns,
                     const torch::Tensor& weight, std::optional<double> clip);

}  // namespace endorm
