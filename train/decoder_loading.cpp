#include "train/decoder_loading.h"

#include "engine/weight_file.h"
#include "train/decoder_weights.h"

namespace endorm {
namespace {

ComputeType compute_type(const std::string& name, const DecoderShape& shape) {
  if (name == "auto") {
    return fastest_compute_type(512, shape.width, shape.feed_forward);
  }
  return {name == "bf16" ? torch::kBFloat16 : torch::kFloat32, "as asked for"};
}

}  // namespace

LoadedDecoder load_decoder(const WeightFile& file, const DecoderLoading& loading) {
  DecoderShape shape = read_decoder_shape(file);
  if (loading.vocabulary > 0) {
    shape.vocabulary = loading.vocabulary;
  }
  const ComputeType compute = compute_type(loading.compute, shape);
  LoadedDecoder loaded{
      Decoder(shape, read_weights(file), {.compute = compute.type, .recompute_layers = loading.recompute_layers}),
      compute};
  if (loading.lora_rank > 0) {
    loaded.decoder.add_adapters({.rank = loading.lora_rank, .alpha = loading.lora_alpha}, loading.seed);
  }
  return loaded;
}

std::string compute_name(torch::ScalarType type) { return type == torch::kBFloat16 ? "bf16" : "f32"; }

TensorType export_type(const std::string& name) {
  return name == "bf16" ? TensorType::kBf16 : name == "f16" ? TensorType::kF16 : TensorType::kF32;
}

}  // namespace endorm
