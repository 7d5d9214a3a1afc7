#include "train/policy_loss.h"

#include <cmath>
#include <string>

#include "core/errors.h"
#include "train/device.h"

namespace endorm {
namespace {

// The tensor [N] in double. Throws InvalidInput where it is undefined or has another shape.
torch::Tensor in_double(const torch::Tensor& tensor, int64_t tokens, const char* name) {
  if (!tensor.defined() || tensor.dim() != 1 || tensor.size(0) != tokens) {
    throw InvalidInput("[policy_loss] " + std::string(name) + " is " +
                       (tensor.defined() ? "of " + std::to_string(tensor.numel()) + " numbers in " +
                                               std::to_string(tensor.dim()) + " dimensions"
                                         : "undefined") +
                       "; it must be [" + std::to_string(tokens) + "]");
  }
  return tensor.to(torch::kFloat64);
}

int64_t tokens_of(const torch::Tensor& tensor) { return tensor.defined() ? tensor.numel() : 0; }

struct Surrogate {
  torch::Tensor loss;  // [N]
  torch::Tensor cut;   // [N] bool: the token's gradient is 0 by clipping
};

Surrogate surrogate(const torch::Tensor& log_prob, const torch::Tensor& ratio, const torch::Tensor& advantage,
                    PolicyObjective objective) {
  if (objective == PolicyObjective::kReinforce) {
    return {-advantage * log_prob, torch::zeros_like(advantage, torch::kBool)};
  }
  const double low = 1.0 - kClip;
  const double high = 1.0 + kClip;
  const torch::Tensor loss = -torch::minimum(ratio * advantage, ratio.clamp(low, high) * advantage);
  return {loss, ((advantage > 0.0) & (ratio > high)) | ((advantage < 0.0) & (ratio < low))};
}

}  // namespace

std::vector<double> token_weights(std::span<const std::size_t> lengths, LossAverage average) {
  std::size_t tokens = 0;
  for (const std::size_t length : lengths) {
    if (length == 0) {
      throw InvalidInput("[token_weights] a response has no token");
    }
    tokens += length;
  }
  if (tokens == 0) {
    throw InvalidInput("[token_weights] there is no response");
  }
  std::vector<double> weights;
  weights.reserve(tokens);
  for (const std::size_t length : lengths) {
    const double denominator = average == LossAverage::kToken
                                   ? static_cast<double>(tokens)
                                   : static_cast<double>(length) * static_cast<double>(lengths.size());
    weights.insert(weights.end(), length, 1.0 / denominator);
  }
  return weights;
}

PolicyLoss policy_loss(const PolicyTokens& tokens, const PolicyLossOptions& options) {
  const int64_t count = tokens_of(tokens.log_prob);
  const torch::Tensor log_prob = in_double(tokens.log_prob, count, "log_prob");
  const torch::Tensor old_log_prob = in_double(tokens.old_log_prob, count, "old_log_prob").detach();
  const torch::Tensor advantage = in_double(tokens.advantage, count, "advantage").detach();
  const torch::Tensor weight = in_double(tokens.weight, count, "weight").detach();

  const torch::Tensor ratio = torch::exp(log_prob - old_log_prob);
  const Surrogate objective = surrogate(log_prob, ratio, advantage, options.objective);
  const torch::Tensor old_kl = kl_estimate(KlEstimator::kK3, old_log_prob, log_prob.detach());
  PolicyLoss found{.loss = (weight * objective.loss).sum()};
  if (options.kl_coefficient > 0.0) {
    const torch::Tensor reference = in_double(tokens.reference_log_prob, count, "reference_log_prob").detach();
    const torch::Tensor kl = (weight * kl_estimate(options.kl_estimator, log_prob, reference)).sum();
    found.loss = found.loss + options.kl_coefficient * kl;
  }
  if (options.entropy_coefficient > 0.0) {
    const torch::Tensor entropy = (weight * in_double(tokens.entropy, count, "entropy")).sum();
    found.loss = found.loss - options.entropy_coefficient * entropy;
  }
  const std::vector<double> numbers = numbers_of({(weight * objective.cut).sum(), (weight * old_kl).sum()});
  found.clip_fraction = numbers[0];
  found.approximate_kl = numbers[1];
  return found;
}

torch::Tensor value_loss(const torch::Tensor& values, const torch::Tensor& old_values, const torch::Tensor& returns,
                         const torch::Tensor& weight) {
  const int64_t count = tokens_of(values);
  const torch::Tensor value = in_double(values, count, "values");
  const torch::Tensor old_value = in_double(old_values, count, "old_values").detach();
  const torch::Tensor target = in_double(returns, count, "returns").detach();
  const torch::Tensor share = in_double(weight, count, "weight").detach();

  const torch::Tensor error = (value - target).square();
  const torch::Tensor kept = (old_value + (value - old_value).clamp(-kClip, kClip) - target).square();
  return 0.5 * (share * torch::maximum(error, kept)).sum();
}

}  // namespace endorm
