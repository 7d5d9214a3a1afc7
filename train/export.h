#pragma once

#include <span>
#include <string>

#include "engine/atomic_file.h"
#include "engine/weights/tensor_type.h"
#include "engine/weights/weight_writer.h"

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

// Writes the adapters of a decoder as PEFT loads them on top of the Hugging Face model: adapter_model.safetensors and
// adapter_config.json in `directory`, which is made where it is not there. A matrix goes by PEFT's name
// (base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight, [rank,in], and lora_B, [out,rank]). GGUF files of
// the llama architecture keep the rows of queries and keys in another order than Hugging Face; lora_B gets Hugging
// Face's. base_model_name_or_path is what the metadata of `like`, which the decoder was read from, say: its repository,
// else its name, else null. Each file appears whole or not at all. Throws InvalidInput where the decoder has no
// adapters, EngineError where the disk is full or fails.
void export_peft_adapter(const std::string& directory, const WeightFile& like, const Decoder& decoder);

// Writes tensors as a safetensors file, all of them F32: eight bytes with the length of a JSON header, the header
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {"format": "pt"}}, the data. The file
// appears whole or not at all. Throws InvalidInput where a name stands twice, the values are not as many as the shape
// says or the path is no regular file, EngineError where the disk is full or fails.
void write_safetensors(const std::string& path, std::span<const Weights> tensors);

}  // namespace endorm
