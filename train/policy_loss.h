#pragma once

#include <cstddef>
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
  torch::Tensor reference_log_prob = {};  // nats; read where kl_coefficient is above 0
  torch::Tensor entropy = {};             // nats, with its gradient; read where entropy_coefficient is above 0
};

// Weighted sums over the tokens.
struct PolicyLoss {
  torch::Tensor loss = {};      // [], double: the objective's + kl_coefficient * KL - entropy_coefficient * entropy
  double clip_fraction = 0.0;   // of tokens whose gradient the clipping cuts
  double approximate_kl = 0.0;  // KL(pi_old || pi) by k3, nats
};

// Throws InvalidInput on a tensor that is not [N], or that a coefficient needs and that is undefined.
PolicyLoss policy_loss(const PolicyTokens& tokens, const PolicyLossOptions& options);

// Half the squared error of values [N], which carry the gradient, to returns [N], or that of the value kept within
// kClip of old_values [N] where that is the greater one (Engstrom et al., arXiv 2005.12729 section 3): [], double.
// Throws InvalidInput on a tensor that is not [N].
torch::Tensor value_loss(const torch::Tensor& values, const torch::Tensor& old_values, const torch::Tensor& returns,
                         const torch::Tensor& weight);

}  // namespace endorm
