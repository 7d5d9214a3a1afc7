#pragma once

#include <functional>

#include <torch/torch.h>

namespace endorm {

// compute(input), of which only the input is kept: the backward pass computes it again with gradients on, and the
// weights that compute uses receive their gradients there (Chen et al. 2016). What compute refers to must outlive the
// backward pass.
torch::Tensor recomputed(const torch::Tensor& input, std::function<torch::Tensor(const torch::Tensor&)> compute);

}  // namespace endorm
