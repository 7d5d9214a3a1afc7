#include "train/decoder_loading.h"

#include "engine/weights/weight_file.h"
#include "train/decoder_weights.h"
#include "train/device.h"

namespace endorm {
namespace {

ComputeType compute_type(const DecoderLoading& loading, const DecoderShape& shape) {
  const torch::Device device = training_device(loading.device);
  if (loading.compute == "auto") {
    return fastest_compute_type(device, 512, shape.width, shape.feed_forward);
  }
  return {device, loading.compute == "bf16" ? torch::kBFloat16 : torch::kFloat32, "as asked for"};
}

}  // namespace

LoadedDecoder load_decoder(const WeightFile& file, const DecoderLoading& loading) {
  DecoderShape shape = read_decoder_shape(file);
  if (loading.vocabulary > 0) {
    shape.vocabulary = loading.vocabulary;
  }
  const ComputeType compute = compute_type(loading, shape);
  LoadedDecoder loaded{
      Decoder(shape, read_weights(file),
              {.device = compute.device, .compute = compute.type, .recompute_layers = loading.recompute_layers}),
      compute};
  if (loading.lora_rank > 0) {
    loaded.decoder.add_adapters({.rank = loading.lora_rank, .alpha = loading.lora_alpha}, loading.seed);
  }
  return loaded;
}

std::string compute_name(const ComputeType& compute) {
  const std::string type = compute.type == torch::kBFloat16 ? "bf16" : "f32";
  return compute.device.is_cpu() ? type : type + " on " + compute.device.str();
}

TensorType export_type(const std::string& name) {
  return name == "bf16" ? TensorType::kBf16 : name == "f16" ? TensorType::kF16 : TensorType::kF32;
}

}  // namespace endorm
