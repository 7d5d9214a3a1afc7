#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/weights/tensor_type.h"
#include "train/compute_type.h"
#include "train/decoder.h"

namespace endorm {

class WeightFile;

// How a run holds the decoder that it trains.
struct DecoderLoading {
  std::size_t vocabulary = 0;    // columns of the head that count; 0: all
  std::string device = "auto";   // "cpu", "cuda", or a GPU where there is one
  std::string compute = "auto";  // "f32", "bf16", or whichever is faster here
  bool recompute_layers = false;
  std::size_t lora_rank = 0;  // 0: every weight learns
  double lora_alpha = 32.0;
  std::uint64_t seed = 0;  // of new adapters
};

struct LoadedDecoder {
  Decoder decoder;
  ComputeType compute;  // what was chosen, and why
};

// Throws as read_weights and Decoder.
LoadedDecoder load_decoder(const WeightFile& file, const DecoderLoading& loading);

// "f32" or "bf16", and " on " the device where it is not the processor.
std::string compute_name(const ComputeType& compute);
// "f32", "f16" or "bf16", of matrices in an exported model.
TensorType export_type(const std::string& name);

}  // namespace endorm
