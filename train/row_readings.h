#pragma once

#include <torch/torch.h>

namespace endorm {

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
