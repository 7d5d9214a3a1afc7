#pragma once

#include <cstddef>
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

// Where a decoder computes and in which type its matrix products are made, and why in words.
struct ComputeType {
  torch::Device device = torch::kCPU;
  torch::ScalarType type = torch::kFloat32;
  std::string reason;
};

// Times [tokens,width] x [width,feed_forward] in f32 and bf16, each the best of a few: some processors compute bf16 at
// twice the rate of f32, others at half.
ComputeType fastest_compute_type(torch::Device device, std::size_t tokens, std::size_t width, std::size_t feed_forward);

}  // namespace endorm
