#include "train/device.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>

#include "core/errors.h"

namespace endorm {
namespace {

// What was asked of a GPU before, it may still be doing.
void wait_for(torch::Device device) {
  if (device.is_cuda()) {
    torch::cuda::synchronize();
  }
}

double seconds_of_product(torch::TensorOptions kind, std::int64_t tokens, std::int64_t width,
                          std::int64_t feed_forward) {
  const torch::Tensor states = torch::randn({tokens, width}).to(kind);
  const torch::Tensor matrix = torch::randn({feed_forward, width}).to(kind);
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 5; ++round) {
    wait_for(kind.device());
    const auto begin = std::chrono::steady_clock::now();
    torch::mm(states, matrix.t());
    wait_for(kind.device());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

}  // namespace

torch::Device training_device(const std::string& name) {
  const bool wants_gpu = name == "cuda";
  const bool has_gpu = name != "cpu" && torch::cuda::is_available();
  if (wants_gpu && !has_gpu) {
    throw InvalidInput(
        "[device] cuda: this libtorch finds no GPU; it must be a build with CUDA (torch.cuda.is_available() in its "
        "Python says why not)");
  }
  return has_gpu ? torch::kCUDA : torch::kCPU;
}

std::vector<double> numbers_of(const std::vector<torch::Tensor>& sums) {
  if (sums.empty()) {
    return {};
  }
  const torch::Tensor together = torch::stack(sums).detach().to(torch::kCPU).contiguous();
  const double* first = together.const_data_ptr<double>();
  return {first, first + sums.size()};
}

ComputeType fastest_compute_type(torch::Device device, std::size_t tokens, std::size_t width,
                                 std::size_t feed_forward) {
  torch::NoGradGuard no_gradients;
  const auto seconds = [&](torch::ScalarType type) {
    return seconds_of_product(torch::dtype(type).device(device), static_cast<std::int64_t>(tokens),
                              static_cast<std::int64_t>(width), static_cast<std::int64_t>(feed_forward));
  };
  const double of_f32 = seconds(torch::kFloat32);
  const double of_bf16 = seconds(torch::kBFloat16);
  char reason[80];
  std::snprintf(reason, sizeof reason, "bf16 takes %.2f times f32's time here", of_bf16 / of_f32);
  // What is a little faster is not worth the rounding.
  return {device, of_bf16 < 0.8 * of_f32 ? torch::kBFloat16 : torch::kFloat32, reason};
}

}  // namespace endorm
