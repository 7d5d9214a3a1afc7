#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

// Where the tensors of training lie: in the processor's memory, or in a GPU's.
namespace endorm {

// "cpu", "cuda", or "auto": a GPU where libtorch finds one. Throws InvalidInput where a GPU is asked for and this
// libtorch knows none.
torch::Device training_device(const std::string& name);

// Sums [], each in double, in one copy from their device; none of none.
std::vector<double> numbers_of(const std::vector<torch::Tensor>& sums);

}  // namespace endorm
