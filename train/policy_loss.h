#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <torch/torch.h>

#include "train/policy_loss_options.h"

// Losses over N response tokens, those of many responses one after another without padding. They are computed in double
// whatever the type of log_prob, and are sums over weighted tokens: where the weights are those of the whole batch, the
// losses, gradients and reported numbers of its micro-batches add up to the batch's. What is not finite passes through
// into the reported numbers, where the caller's guard sees it.
namespace endorm {

// The weights of the tokens of B responses, [sum of lengths], which sum to 1. Throws InvalidInput on no response or a
// length of 0.
std::vector<double> token_weights(std::span<const std::size_t> lengths, LossAverage average);

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
