#pragma once

#include <string>

namespace endorm {

// Writes `source` (a GGUF file of any type) with every weight in `type` ("f32", "bf16" or "f16") to `destination`,
// unless it lies there already. Throws EngineError where llama.cpp cannot.
void write_model_in(const std::string& type, const std::string& source, const std::string& destination);

}  // namespace endorm
