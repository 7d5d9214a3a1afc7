#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/atomic_file.h"
#include "engine/weights/tensor_type.h"
#include "engine/weights/weight_file.h"

struct gguf_context;

namespace endorm {

// One tensor to be written. Shape as PyTorch writes it: a linear layer's weight is [out, in].
struct Weights {
  std::string name;  // in GGUF's words, e.g. "blk.0.attn_q.weight"
  std::vector<std::int64_t> shape;
  std::span<const float> values;  // row-major, as many as the shape says
};

// The three writers below take their path with one step at the end: whoever reads it finds the old file or the new one,
// and the old one stays where writing fails. Matrices are stored as `type`, vectors (norms, biases) as f32, LoRA pairs
// as f32. All throw InvalidInput, before anything is written, where tensors do not fit what they are for, a value is
// not finite or beyond what `type` can hold, or the path is no regular file; EngineError where the disk is full or
// fails.

// The model of `like` with other weights: all tensors of `like` and no others, in the same shapes. path may be that of
// `like`. What was said about the old weights' storage (quantisation, parts, alignment) is left out.
void write_model(const std::string& path, const WeightFile& like, std::span<const Weights> weights, TensorType type,
                 Durability durability = Durability::kOnDisk);

// A decoder from nothing. Sizes as the architecture's GGUF keys name them.
struct NewModel {
  std::string architecture = "llama";  // "llama", "qwen2" or "qwen3"
  std::size_t layers = 0;
  std::size_t width = 0;         // of the hidden state; a head is width / heads wide, an even number
  std::size_t heads = 0;         // of queries
  std::size_t kv_heads = 0;      // of keys and values; divides heads
  std::size_t feed_forward = 0;  // width between the two layers of the feed-forward network
  std::size_t context = 0;       // longest sequence in tokens
  double rope_base = 10000.0;
  double norm_epsilon = 1e-5;
};

// Throws InvalidInput where a size is 0 or too large or the sizes do not fit each other, and where the architecture is
// not one of NewModel's.
void check_new_model(const NewModel& model);

// The metadata of a decoder from nothing: architecture, vocabulary, chat template. Throws as check_new_model does.
void set_new_model_metadata(gguf_context* header, const NewModel& model);

// The vocabulary of a new model: token b < 256 is byte b, and nothing is ever merged. Behind them the special tokens.
inline constexpr std::int32_t kTurnBeginsToken = 256;  // <|im_start|>
inline constexpr std::int32_t kTurnEndsToken = 257;    // <|im_end|>, ends generation
inline constexpr std::int32_t kTextEndsToken = 258;    // <|endoftext|>, ends generation, and pads
inline constexpr std::size_t kNewModelVocabulary = 259;

// A model with that vocabulary and the ChatML template; no BOS is put in front of a prompt. Which tensors there must be
// the architecture says; checked here is that token_embd.weight is [259, width]. Without output.weight the embedding is
// the output layer too.
void write_new_model(const std::string& path, const NewModel& model, std::span<const Weights> weights, TensorType type);

// Low-rank changes of weights, as llama.cpp's adapters hold them: W [out, in] becomes W + scale * alpha / rank * B A
// with W.lora_a [rank, in] and W.lora_b [out, rank], e.g. "blk.0.attn_q.weight.lora_a". Every pair must be whole, of
// one rank and not of the embedding, whose layout is another; alpha is finite and above 0.
void write_lora_adapter(const std::string& path, const std::string& architecture, float alpha,
                        std::span<const Weights> weights);

}  // namespace endorm
