#include "train/decoder_weights.h"

#include <cmath>

#include "engine/weights/weight_file.h"

namespace endorm {

std::map<std::string, std::vector<std::int64_t>> weight_shapes(const DecoderShape& shape) {
  const auto width = static_cast<std::int64_t>(shape.width);
  const auto head_width = static_cast<std::int64_t>(shape.head_width);
  const auto queries = static_cast<std::int64_t>(shape.heads) * head_width;
  const auto keys = static_cast<std::int64_t>(shape.key_heads) * head_width;
  const auto feed_forward = static_cast<std::int64_t>(shape.feed_forward);
  std::map<std::string, std::vector<std::int64_t>> shapes = {{"output_norm.weight", {width}}};
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    const std::string prefix = "blk." + std::to_string(layer) + ".";
    shapes[prefix + "attn_norm.weight"] = {width};
    shapes[prefix + "attn_q.weight"] = {queries, width};
    shapes[prefix + "attn_k.weight"] = {keys, width};
    shapes[prefix + "attn_v.weight"] = {keys, width};
    shapes[prefix + "attn_output.weight"] = {width, queries};
    shapes[prefix + "ffn_norm.weight"] = {width};
    shapes[prefix + "ffn_gate.weight"] = {feed_forward, width};
    shapes[prefix + "ffn_up.weight"] = {feed_forward, width};
    shapes[prefix + "ffn_down.weight"] = {width, feed_forward};
    if (shape.query_key_norms()) {
      shapes[prefix + "attn_q_norm.weight"] = {head_width};
      shapes[prefix + "attn_k_norm.weight"] = {head_width};
    }
    if (shape.post_norms()) {
      shapes[prefix + "post_attention_norm.weight"] = {width};
      shapes[prefix + "post_ffw_norm.weight"] = {width};
    }
  }
  return shapes;
}

NamedTensors read_weights(const WeightFile& file) {
  NamedTensors weights;
  for (const std::string& name : file.names()) {
    std::vector<float> values = file.values(name);
    weights[name] = torch::from_blob(values.data(), file.shape(name), torch::kFloat32).clone();
  }
  return weights;
}

NamedTensors on_processor(const NamedTensors& tensors) {
  NamedTensors moved;
  for (const auto& [name, tensor] : tensors) {
    moved[name] = tensor.detach().to(torch::kCPU).contiguous();
  }
  return moved;
}

std::vector<Weights> views_of(const NamedTensors& tensors) {
  std::vector<Weights> views;
  for (const auto& [name, tensor] : tensors) {
    views.push_back(
        {name, tensor.sizes().vec(), {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())}});
  }
  return views;
}

NamedTensors random_weights(const DecoderShape& shape, std::uint64_t seed) {
  torch::manual_seed(seed);
  NamedTensors weights;
  const auto vocabulary = static_cast<std::int64_t>(shape.vocabulary);
  weights["token_embd.weight"] = torch::randn({vocabulary, static_cast<std::int64_t>(shape.width)}) * 0.02;
  const double into_residual = 0.02 / std::sqrt(2.0 * static_cast<double>(shape.layers));
  for (const auto& [name, sizes] : weight_shapes(shape)) {
    const bool leads_back = name.ends_with("attn_output.weight") || name.ends_with("ffn_down.weight");
    weights[name] = sizes.size() == 1 ? torch::ones(sizes) : torch::randn(sizes) * (leads_back ? into_residual : 0.02);
  }
  return weights;
}

}  // namespace endorm
