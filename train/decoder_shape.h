#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace endorm {

class WeightFile;

// What differs between the decoder families beyond their sizes.
enum class DecoderFamily { kLlama, kQwen2, kQwen3, kGemma3 };

// By the name of an architecture in GGUF. Throws InvalidInput for one that cannot be trained.
DecoderFamily decoder_family(const std::string& architecture);

// The architecture of a decoder-only transformer, as its GGUF metadata gives it.
struct DecoderShape {
  DecoderFamily family = DecoderFamily::kLlama;
  std::size_t layers = 0;
  std::size_t width = 0;         // D
  std::size_t feed_forward = 0;  // F
  std::size_t heads = 0;
  std::size_t key_heads = 0;  // heads of keys and values; divides heads
  std::size_t head_width = 0;
  std::size_t rotated = 0;     // the first so many of head_width turn with the position
  std::size_t vocabulary = 0;  // V, columns of the output layer
  std::size_t context = 0;     // longest sequence that it was trained with
  double norm_epsilon = 1e-6;
  double rope_base = 10000.0;
  double rope_scale = 1.0;           // positions are divided by it (linear scaling)
  double local_rope_base = 10000.0;  // of layers with a window
  std::size_t window = 0;            // tokens that a local layer sees, itself included; 0: all
  std::vector<bool> local;           // [layers] which layers have the window
  double embedding_scale = 1.0;

  // Gemma 3 normalises behind attention and feed-forward too, and gates with GELU; Qwen 3 and Gemma 3 normalise queries
  // and keys; Llama files store queries and keys for pairs of neighbours, the others for two halves.
  bool post_norms() const { return family == DecoderFamily::kGemma3; }
  bool gelu() const { return family == DecoderFamily::kGemma3; }
  bool query_key_norms() const { return family == DecoderFamily::kQwen3 || family == DecoderFamily::kGemma3; }
  bool neighbour_pairs() const { return family == DecoderFamily::kLlama; }
};

// Reads the shape. Throws InvalidInput for an architecture that train/ does not know and for what changes the numbers
// and is not built: experts, soft-capping of logits, rope scaling other than linear.
DecoderShape read_decoder_shape(const WeightFile& file);

}  // namespace endorm
