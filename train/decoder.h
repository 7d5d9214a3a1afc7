#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "train/decoder_shape.h"
#include "train/head_log_probs.h"
#include "train/packed_batch.h"

namespace endorm {

// Weights under their GGUF names ("blk.0.attn_q.weight", [out,in] for matrices), float.
using NamedTensors = std::map<std::string, torch::Tensor>;

// Low-rank adapters: W x becomes W x + (alpha / rank) B A x, A [rank,in], B [out,rank] (Hu et al. 2021).
struct LoraOptions {
  std::size_t rank = 16;
  double alpha = 32.0;
  std::vector<std::string> matrices = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

  double scale() const { return alpha / static_cast<double>(rank); }
};

struct DecoderOptions {
  torch::Device device = torch::kCPU;           // where the weights lie and passes are made
  torch::ScalarType compute = torch::kFloat32;  // of matrix products; norms, softmax and the weights stay float
  bool recompute_layers = false;  // keep only each layer's input for the backward pass, and compute the rest again
  std::size_t head_bytes = std::size_t{256} << 20;  // of logits that are held at once
};

// A decoder-only transformer whose weights can learn. The arithmetic is llama.cpp's of the same file; log-probabilities
// agree within 1e-4 nat in float (tests/train/decoder_test.cpp). Copies share weights. It must outlive the backward
// passes of what it computed. One caller at a time.
class Decoder {
 public:
  // Throws InvalidInput where a weight is missing or of another shape.
  Decoder(DecoderShape shape, NamedTensors weights, const DecoderOptions& options);

  const DecoderShape& shape() const { return shape_; }
  torch::Device device() const { return options_.device; }
  const NamedTensors& weights() const { return weights_; }
  // Adapters by name, NAME.lora_a and NAME.lora_b; empty without add_adapters.
  const NamedTensors& adapters() const { return adapters_; }
  const std::optional<LoraOptions>& lora() const { return lora_; }
  // The weights with the adapters in them, W + (alpha / rank) B A in float; without adapters the weights themselves. On
  // the decoder's device, as all of these.
  NamedTensors merged_weights() const;

  // From here on only the adapters learn. A is random normal of deviation 1 / rank, B zero: the model is unchanged.
  void add_adapters(const LoraOptions& options, std::uint64_t seed);
  // What learns, by name: the adapters where there are any, every weight otherwise.
  NamedTensors learning() const;
  // Turns on the gradients of what learns, and returns it.
  NamedTensors begin_learning();

  // The states behind the last norm, [N,D] float.
  torch::Tensor hidden(const PackedBatch& batch) const;
  // log pi and entropy of every target, [M], of states that hidden() gave for this batch.
  HeadLogProbs read_out(const torch::Tensor& hidden, const PackedBatch& batch) const;
  HeadLogProbs log_probs(const PackedBatch& batch) const { return read_out(hidden(batch), batch); }

 private:
  struct Rotations {
    torch::Tensor cosine, sine;  // [N,1,rotated/2]
  };

  const torch::Tensor& weight(const std::string& name) const;
  torch::Tensor norm(const torch::Tensor& states, const std::string& name) const;
  torch::Tensor product(const torch::Tensor& states, const std::string& name) const;
  Rotations rotations(const torch::Tensor& positions, double base, double scale) const;
  torch::Tensor rotate(const torch::Tensor& heads, const Rotations& rotations) const;
  torch::Tensor attention(const torch::Tensor& states, std::size_t layer, const PackedBatch& batch,
                          const Rotations& rotations) const;
  torch::Tensor feed_forward(const torch::Tensor& states, std::size_t layer) const;
  torch::Tensor layer(const torch::Tensor& states, std::size_t layer, const PackedBatch& batch,
                      const Rotations& rotations) const;

  DecoderShape shape_;
  NamedTensors weights_;
  NamedTensors adapters_;
  std::optional<LoraOptions> lora_;
  DecoderOptions options_;
};

}  // namespace endorm
