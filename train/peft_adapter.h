#pragma once

#include <string>

namespace endorm {

class Decoder;
class WeightFile;

// Writes the adapters of a decoder as PEFT loads them on top of the Hugging Face model: adapter_model.safetensors and
// adapter_config.json in `directory`, which is made where it is not there. A matrix goes by PEFT's name
// (base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight, [rank,in], and lora_B, [out,rank]). GGUF files of
// the llama architecture keep the rows of queries and keys in another order than Hugging Face; lora_B gets Hugging
// Face's. base_model_name_or_path is what the metadata of `like`, which the decoder was read from, say: its repository,
// else its name, else null. Each file appears whole or not at all. Throws InvalidInput where the decoder has no
// adapters, EngineError where the disk is full or fails.
void export_peft_adapter(const std::string& directory, const WeightFile& like, const Decoder& decoder);

}  // namespace endorm
