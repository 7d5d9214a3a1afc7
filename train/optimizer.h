#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "train/decoder.h"

namespace endorm {

// AdamW (Loshchilov and Hutter 2019) with betas 0.9 and 0.95, epsilon 1e-8: weight decay is applied to matrices, not to
// norms and biases.
struct AdamWOptions {
  double weight_decay = 0.0;
  double clip_norm = 1.0;  // gradients are scaled down to this norm where theirs is larger; 0: never
};

// Moves the weights that learn. One caller at a time.
class Optimizer {
 public:
  Optimizer(const NamedTensors& learning, const AdamWOptions& options);

  void clear_gradients();
  // One step along the gradients that were accumulated. Returns their norm before clipping. Throws EngineError, and
  // moves nothing, where the norm is not finite.
  double step(double learning_rate);

  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  std::vector<torch::Tensor> learning_;
  AdamWOptions options_;
  torch::optim::AdamW adam_;
};

}  // namespace endorm
