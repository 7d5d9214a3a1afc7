#include "train/trained_model.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <utility>

#include "train/decoder_weights.h"
#include "train/device.h"

namespace endorm {
namespace {

// What was asked of a GPU before, it may still be doing.
void wait_for(torch::Device device) {
  if (device.is_cuda()) {
    torch::cuda::synchronize();
  }
}

// Of [tokens,width] x [width,feed_forward] in the type of `kind`, the best of a few.
double seconds_of_product(torch::TensorOptions kind, const DecoderShape& shape) {
  constexpr std::int64_t kTokens = 512;
  const auto width = static_cast<std::int64_t>(shape.width);
  const torch::Tensor states = torch::randn({kTokens, width}).to(kind);
  const torch::Tensor matrix = torch::randn({static_cast<std::int64_t>(shape.feed_forward), width}).to(kind);
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

// As asked for, or by time: some processors compute bf16 at twice the rate of f32, others at half.
ComputeType compute_type(const TrainingOptions& options, const DecoderShape& shape) {
  const torch::Device device = training_device(options.device);
  if (options.compute != "auto") {
    return {device, options.compute == "bf16" ? torch::kBFloat16 : torch::kFloat32, "as asked for"};
  }
  torch::NoGradGuard no_gradients;
  const double of_f32 = seconds_of_product(torch::dtype(torch::kFloat32).device(device), shape);
  const double of_bf16 = seconds_of_product(torch::dtype(torch::kBFloat16).device(device), shape);
  char reason[80];
  std::snprintf(reason, sizeof reason, "bf16 takes %.2f times f32's time here", of_bf16 / of_f32);
  // What is a little faster is not worth the rounding.
  return {device, of_bf16 < 0.8 * of_f32 ? torch::kBFloat16 : torch::kFloat32, reason};
}

}  // namespace

TrainedModel load_trained_model(const TrainingOptions& options, std::size_t vocabulary) {
  WeightFile file(options.model);
  DecoderShape shape = read_decoder_shape(file);
  shape.vocabulary = vocabulary;
  const ComputeType compute = compute_type(options, shape);
  Decoder decoder(shape, read_weights(file),
                  {.device = compute.device, .compute = compute.type, .recompute_layers = options.recompute_layers});
  if (options.lora_rank > 0) {
    decoder.add_adapters({.rank = options.lora_rank, .alpha = options.lora_alpha}, options.seed);
  }
  return {std::move(file), std::move(decoder), compute};
}

std::string compute_name(const ComputeType& compute) {
  const std::string type = compute.type == torch::kBFloat16 ? "bf16" : "f32";
  return compute.device.is_cpu() ? type : type + " on " + compute.device.str();
}

}  // namespace endorm
