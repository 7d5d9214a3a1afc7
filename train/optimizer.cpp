#include "train/optimizer.h"

#include <cmath>
#include <memory>
#include <numeric>

#include "core/errors.h"
#include "train/device.h"

namespace endorm {
namespace {

std::vector<torch::Tensor> values_of(const NamedTensors& tensors) {
  std::vector<torch::Tensor> values;
  for (const auto& [name, tensor] : tensors) {
    values.push_back(tensor);
  }
  return values;
}

torch::optim::AdamWOptions adam_options(double weight_decay) {
  return torch::optim::AdamWOptions(0.0).betas({0.9, 0.95}).eps(1e-8).weight_decay(weight_decay);
}

std::vector<torch::optim::OptimizerParamGroup> groups_of(const NamedTensors& learning, const AdamWOptions& options) {
  std::vector<torch::Tensor> matrices;
  std::vector<torch::Tensor> vectors;
  for (const auto& [name, tensor] : learning) {
    (tensor.dim() > 1 ? matrices : vectors).push_back(tensor);
  }
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(matrices, std::make_unique<torch::optim::AdamWOptions>(adam_options(options.weight_decay)));
  if (!vectors.empty()) {
    groups.emplace_back(vectors, std::make_unique<torch::optim::AdamWOptions>(adam_options(0.0)));
  }
  return groups;
}

}  // namespace

Optimizer::Optimizer(const NamedTensors& learning, const AdamWOptions& options)
    : learning_(values_of(learning)),
      options_(options),
      adam_(groups_of(learning, options), adam_options(options.weight_decay)) {}

void Optimizer::clear_gradients() { adam_.zero_grad(); }

double Optimizer::step(double learning_rate) {
  std::vector<torch::Tensor> squares;
  for (const torch::Tensor& tensor : learning_) {
    if (tensor.grad().defined()) {
      squares.push_back(tensor.grad().to(torch::kFloat64).square().sum());
    }
  }
  const std::vector<double> numbers = numbers_of(squares);
  const double norm = std::sqrt(std::accumulate(numbers.begin(), numbers.end(), 0.0));
  if (!std::isfinite(norm)) {
    throw EngineError("[train] the gradient's norm is not finite; a smaller --learning-rate may help");
  }
  if (options_.clip_norm > 0.0 && norm > options_.clip_norm) {
    for (const torch::Tensor& tensor : learning_) {
      if (tensor.grad().defined()) {
        tensor.mutable_grad().mul_(options_.clip_norm / norm);
      }
    }
  }
  for (torch::optim::OptimizerParamGroup& group : adam_.param_groups()) {
    group.options().set_lr(learning_rate);
  }
  adam_.step();
  return norm;
}

void Optimizer::save(torch::serialize::OutputArchive& archive) const { adam_.save(archive); }

void Optimizer::load(torch::serialize::InputArchive& archive) { adam_.load(archive); }

}  // namespace endorm
