#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "train/decoder.h"

namespace endorm {

// Of engine_tiny_models.json, the model of this name ("llama", ...).
nlohmann::json tiny_golden(const std::string& name);
// The processor, what stands in for a GPU (tests/train/far_device.h), and a GPU where there is one.
std::vector<torch::Device> devices_here();

// engine_tiny_NAME.gguf, whose softmax runs over the vocabulary without padding columns.
Decoder tiny_decoder(const std::string& name, const DecoderOptions& options);

}  // namespace endorm
