#include "train/trained_model.h"

#include <utility>

#include "train/decoder_weights.h"
#include "train/device.h"

namespace endorm {
namespace {

ComputeType compute_type(const TrainingOptions& options, const DecoderShape& shape) {
  const torch::Device device = training_device(options.device);
  if (options.compute == "auto") {
    return fastest_compute_type(device, 512, shape.width, shape.feed_forward);
  }
  return {device, options.compute == "bf16" ? torch::kBFloat16 : torch::kFloat32, "as asked for"};
}

}  // namespace

TrainedModel load_trained_model(const TrainingOptions& options, std::size_t vocabulary) {
  WeightFile file(options.model);
  DecoderShape shape = read_decoder_shape(file);
  if (vocabulary > 0) {
    shape.vocabulary = vocabulary;
  }
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

TensorType export_type(const std::string& name) {
  return name == "bf16" ? TensorType::kBf16 : name == "f16" ? TensorType::kF16 : TensorType::kF32;
}

}  // namespace endorm
