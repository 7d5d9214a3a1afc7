#include "train/decoder.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/errors.h"
#include "train/decoder_weights.h"
#include "train/recomputed_layer.h"

namespace endorm {
namespace {

std::string of_layer(std::size_t layer, const char* name) { return "blk." + std::to_string(layer) + "." + name; }

// Rows of heads [N,H,head_width], sequence by sequence: [own rows,H,head_width] each. The gradient of such parts is one
// tensor of N rows; that of a slice for each sequence would be N rows a sequence.
std::vector<torch::Tensor> parts_of(const torch::Tensor& heads, const PackedBatch& batch) {
  std::vector<std::int64_t> sizes;
  for (const PackedSequence& sequence : batch.sequences) {
    sizes.push_back(sequence.own.size());
  }
  return heads.split_with_sizes(sizes);
}

// What a query at position i may see of keys 0 .. i, [T,T] bool: the last `window` of them.
torch::Tensor window_mask(std::int64_t tokens, std::int64_t window, torch::Device device) {
  return torch::ones({tokens, tokens}, torch::dtype(torch::kBool).device(device)).tril().triu(1 - window);
}

}  // namespace

Decoder::Decoder(DecoderShape shape, NamedTensors weights, const DecoderOptions& options)
    : shape_(std::move(shape)), weights_(std::move(weights)), options_(options) {
  for (const auto& [name, expected] : weight_shapes(shape_)) {
    const auto found = weights_.find(name);
    if (found == weights_.end()) {
      throw InvalidInput("[Decoder] the model has no weight " + name);
    }
    if (found->second.sizes() != torch::IntArrayRef(expected)) {
      throw InvalidInput("[Decoder] " + name + " has another shape than the metadata ask for");
    }
  }
  for (auto& [name, tensor] : weights_) {
    tensor = tensor.to(options_.device);
  }
}

const torch::Tensor& Decoder::weight(const std::string& name) const { return weights_.at(name); }

void Decoder::add_adapters(const LoraOptions& options, std::uint64_t seed) {
  torch::manual_seed(seed);
  lora_ = options;
  const auto rank = static_cast<std::int64_t>(options.rank);
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    for (const std::string& matrix : options.matrices) {
      const std::string name = of_layer(layer, matrix.c_str()) + ".weight";
      const auto found = weights_.find(name);
      if (found == weights_.end()) {
        throw InvalidInput("[add_adapters] there is no matrix \"" + matrix + "\" in a layer of this model");
      }
      adapters_[name + ".lora_a"] = (torch::randn({rank, found->second.size(1)}) / static_cast<double>(rank))
                                        .to(options_.device);  // one seed, one adapter
      adapters_[name + ".lora_b"] = torch::zeros({found->second.size(0), rank}, options_.device);
    }
  }
}

NamedTensors Decoder::merged_weights() const {
  torch::NoGradGuard no_gradients;
  NamedTensors merged = weights_;
  for (auto& [name, tensor] : merged) {
    if (const auto down = adapters_.find(name + ".lora_a"); down != adapters_.end()) {
      tensor = torch::addmm(tensor, adapters_.at(name + ".lora_b"), down->second, 1.0, lora_->scale());
    }
  }
  return merged;
}

NamedTensors Decoder::learning() const {
  NamedTensors learning = lora_ ? adapters_ : weights_;
  learning.erase("rope_freqs.weight");  // a constant of the architecture
  return learning;
}

NamedTensors Decoder::begin_learning() {
  NamedTensors tensors = learning();
  for (const auto& [name, tensor] : tensors) {
    tensor.requires_grad_(true);
  }
  return tensors;
}

torch::Tensor Decoder::norm(const torch::Tensor& states, const std::string& name) const {
  const torch::Tensor& scale = weight(name);
  return torch::rms_norm(states.to(torch::kFloat32), {scale.size(0)}, scale, shape_.norm_epsilon);
}

// states [N,in] float -> [N,out] float.
torch::Tensor Decoder::product(const torch::Tensor& states, const std::string& name) const {
  const torch::ScalarType type = options_.compute;
  const torch::Tensor input = states.to(type);
  torch::Tensor output = torch::mm(input, weight(name + ".weight").to(type).t());
  if (const auto down = adapters_.find(name + ".weight.lora_a"); down != adapters_.end()) {
    const torch::Tensor& up = adapters_.at(name + ".weight.lora_b");
    const torch::Tensor low = torch::mm(input, down->second.to(type).t());
    output = output + torch::mm(low, up.to(type).t()) * lora_->scale();
  }
  output = output.to(torch::kFloat32);
  const auto bias = weights_.find(name + ".bias");
  return bias == weights_.end() ? output : output + bias->second;
}

Decoder::Rotations Decoder::rotations(const torch::Tensor& positions, double base, double scale) const {
  const auto half = static_cast<std::int64_t>(shape_.rotated / 2);
  const torch::Tensor exponents =
      torch::arange(half, positions.options().dtype(torch::kFloat64)) * (-2.0 / static_cast<double>(shape_.rotated));
  torch::Tensor frequencies = torch::pow(base, exponents);
  if (const auto factors = weights_.find("rope_freqs.weight"); factors != weights_.end()) {
    frequencies = frequencies / factors->second.detach().to(torch::kFloat64);
  }
  const torch::Tensor angles = torch::outer(positions.to(torch::kFloat64) / scale, frequencies);
  return {angles.cos().to(torch::kFloat32).unsqueeze(1), angles.sin().to(torch::kFloat32).unsqueeze(1)};
}

// heads [N,H,head_width]: pairs of numbers turn by the angle of their position (Su et al. 2021).
torch::Tensor Decoder::rotate(const torch::Tensor& heads, const Rotations& rotations) const {
  const auto rotated = static_cast<std::int64_t>(shape_.rotated);
  const torch::Tensor turning = heads.slice(2, 0, rotated);
  torch::Tensor turned;
  if (shape_.neighbour_pairs()) {
    const torch::Tensor pairs = turning.unflatten(2, {rotated / 2, 2});
    const torch::Tensor first = pairs.select(3, 0);
    const torch::Tensor second = pairs.select(3, 1);
    turned =
        torch::stack(
            {first * rotations.cosine - second * rotations.sine, first * rotations.sine + second * rotations.cosine}, 3)
            .flatten(2);
  } else {
    const torch::Tensor first = turning.slice(2, 0, rotated / 2);
    const torch::Tensor second = turning.slice(2, rotated / 2);
    turned = torch::cat(
        {first * rotations.cosine - second * rotations.sine, first * rotations.sine + second * rotations.cosine}, 2);
  }
  return rotated == heads.size(2) ? turned : torch::cat({turned, heads.slice(2, rotated)}, 2);
}

// states [N,D], normalised -> [N,D]. Every sequence attends to itself alone.
torch::Tensor Decoder::attention(const torch::Tensor& states, std::size_t layer, const PackedBatch& batch,
                                 const Rotations& rotations) const {
  const auto width = static_cast<std::int64_t>(shape_.head_width);
  torch::Tensor queries = product(states, of_layer(layer, "attn_q")).unflatten(1, {-1, width});
  torch::Tensor keys = product(states, of_layer(layer, "attn_k")).unflatten(1, {-1, width});
  const torch::Tensor values = product(states, of_layer(layer, "attn_v")).unflatten(1, {-1, width});
  if (shape_.query_key_norms()) {
    queries = norm(queries, of_layer(layer, "attn_q_norm.weight"));
    keys = norm(keys, of_layer(layer, "attn_k_norm.weight"));
  }
  queries = rotate(queries, rotations);
  keys = rotate(keys, rotations);
  const std::vector<torch::Tensor> query_parts = parts_of(queries, batch);
  const std::vector<torch::Tensor> key_parts = parts_of(keys, batch);
  const std::vector<torch::Tensor> value_parts = parts_of(values, batch);
  std::vector<torch::Tensor> outputs;
  std::size_t bringer = 0;  // the sequence that a shared prompt's rows are the first of
  for (std::size_t index = 0; index < batch.sequences.size(); ++index) {
    const auto& [shared, own] = batch.sequences[index];
    const std::int64_t prompt = shared.size();
    bringer = prompt == 0 ? index : bringer;
    const auto of_sequence = [&](const std::vector<torch::Tensor>& parts) {  // [1,H,T,head_width]
      return (prompt == 0 ? parts[index] : torch::cat({parts[bringer].slice(0, 0, prompt), parts[index]}))
          .transpose(0, 1)
          .unsqueeze(0)
          .to(options_.compute);
    };
    const std::int64_t tokens = prompt + own.size();
    const bool masked = shape_.local[layer] && static_cast<std::size_t>(tokens) > shape_.window;
    const std::optional<torch::Tensor> mask =
        masked ? std::optional(window_mask(tokens, static_cast<std::int64_t>(shape_.window), options_.device))
               : std::nullopt;
    const torch::Tensor attended =
        at::scaled_dot_product_attention(of_sequence(query_parts), of_sequence(key_parts), of_sequence(value_parts),
                                         mask, 0.0, !masked, std::nullopt, shape_.heads != shape_.key_heads);
    // A shared prompt's own rows come from the sequence that brought it.
    outputs.push_back(attended.squeeze(0).transpose(0, 1).slice(0, prompt).flatten(1).to(torch::kFloat32));
  }
  return product(torch::cat(outputs), of_layer(layer, "attn_output"));
}

torch::Tensor Decoder::feed_forward(const torch::Tensor& states, std::size_t layer) const {
  const torch::Tensor gate = product(states, of_layer(layer, "ffn_gate"));
  const torch::Tensor opened = shape_.gelu() ? torch::gelu(gate, "tanh") : torch::silu(gate);
  return product(opened * product(states, of_layer(layer, "ffn_up")), of_layer(layer, "ffn_down"));
}

// states [N,D] -> [N,D].
torch::Tensor Decoder::layer(const torch::Tensor& states, std::size_t layer, const PackedBatch& batch,
                             const Rotations& rotations) const {
  torch::Tensor attended = attention(norm(states, of_layer(layer, "attn_norm.weight")), layer, batch, rotations);
  if (shape_.post_norms()) {
    attended = norm(attended, of_layer(layer, "post_attention_norm.weight"));
  }
  const torch::Tensor between = states + attended;
  torch::Tensor fed = feed_forward(norm(between, of_layer(layer, "ffn_norm.weight")), layer);
  if (shape_.post_norms()) {
    fed = norm(fed, of_layer(layer, "post_ffw_norm.weight"));
  }
  return between + fed;
}

torch::Tensor Decoder::hidden(const PackedBatch& batch) const {
  const Rotations everywhere = rotations(batch.positions, shape_.rope_base, shape_.rope_scale);
  const Rotations locally = shape_.window == 0 ? everywhere : rotations(batch.positions, shape_.local_rope_base, 1.0);
  torch::Tensor states = torch::embedding(weight("token_embd.weight"), batch.tokens) * shape_.embedding_scale;
  const bool recompute = options_.recompute_layers && torch::GradMode::is_enabled();
  const auto held = recompute ? std::make_shared<const PackedBatch>(batch) : nullptr;  // until the backward pass
  for (std::size_t index = 0; index < shape_.layers; ++index) {
    const Rotations& turns = shape_.local[index] ? locally : everywhere;
    states = recompute
                 ? recomputed(states, [this, index, held,
                                       turns](const torch::Tensor& input) { return layer(input, index, *held, turns); })
                 : layer(states, index, batch, turns);
  }
  return norm(states, "output_norm.weight");
}

HeadLogProbs Decoder::read_out(const torch::Tensor& hidden, const PackedBatch& batch) const {
  const auto own = weights_.find("output.weight");
  const torch::Tensor& head = own == weights_.end() ? weight("token_embd.weight") : own->second;
  const auto vocabulary = static_cast<std::int64_t>(shape_.vocabulary);
  const std::size_t chunk = options_.head_bytes / (sizeof(float) * shape_.vocabulary);
  return head_log_probs(hidden.index_select(0, batch.rows).to(options_.compute),
                        head.slice(0, 0, vocabulary).to(options_.compute), batch.targets, chunk);
}

}  // namespace endorm
