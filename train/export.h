#pragma once

#include <string>

#include "engine/atomic_file.h"
#include "engine/weights/tensor_type.h"

namespace endorm {

class Decoder;
class WeightFile;

// Writes a decoder that learnt as a GGUF model: the metadata of `like`, which it was read from, and its weights, its
// adapters merged into them.
void export_model(const std::string& path, const WeightFile& like, const Decoder& decoder, TensorType type,
                  Durability durability = Durability::kOnDisk);

// Writes its adapters as a LoRA file that `endorm --lora` and llama.cpp load on top of the model it was read from.
// Throws InvalidInput where it has none.
void export_adapter(const std::string& path, const WeightFile& like, const Decoder& decoder);

}  // namespace endorm
