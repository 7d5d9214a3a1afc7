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

// Of each row of logits [n,V] float: what the head's log-probabilities and entropies are made of.
struct RowReadings {
  torch::Tensor log_sum_exp;  // [n] float, nats; NaN where a row has none, for the caller's guard
  torch::Tensor entropy;      // [n] float, nats; likewise
};

// By core's row_statistics on the processor, by read_rows_with_tensors elsewhere.
RowReadings read_rows(const torch::Tensor& logits);

// The same by libtorch's operations in double, on any device; holds two doubles for each logit while it runs.
RowReadings read_rows_with_tensors(const torch::Tensor& logits);

}  // namespace endorm
