#include "train/device.h"

#include "core/errors.h"

namespace endorm {

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

}  // namespace endorm
