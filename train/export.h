#pragma once

#include <string>

#include "engine/tensor_type.h"

namespace endorm {

class Decoder;
class WeightFile;

// Writes a decoder that learnt as a GGUF model: the metadata of `like`, which it was read from, and its weights.
void export_model(const std::string& path, const WeightFile& like, const Decoder& decoder, TensorType type);

// Writes its adapters as a LoRA file that `endorm --lora` and llama.cpp load on top of the model it was read from.
// Throws InvalidInput where it has none.
void export_adapter(const std::string& path, const WeightFile& like, const Decoder& decoder);

}  // namespace endorm
