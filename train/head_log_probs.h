#pragma once

#include <cstddef>

#include <torch/torch.h>

namespace endorm {

// Of each target: its log-probability and the entropy of its row, both [M], nats, float. Gradients flow through both.
struct HeadLogProbs {
  torch::Tensor log_prob;
  torch::Tensor entropy;
};

// log pi(target) and entropy of softmax(hidden * head^T) without a [M,V] matrix that is kept: logits are made
// chunk_rows rows at a time, forward, and made again backward. hidden [M,D], head [V,D], targets [M] int64. The head's
// columns are all V; rows are of the head's type, statistics are float.
HeadLogProbs head_log_probs(const torch::Tensor& hidden, const torch::Tensor& head, const torch::Tensor& targets,
                            std::size_t chunk_rows);

}  // namespace endorm
