#pragma once

#include <optional>
#include <string>

#include "engine/llama/llama_engine.h"

namespace endorm {

// The shipped SmolLM2-135M-Instruct (Q4_1) in the model cache: $ENDORM_CACHE_DIR, $XDG_CACHE_HOME/endorm or
// ~/.cache/endorm. Where it is not there: none, and a line "SKIPPED: ..." on standard output.
std::optional<std::string> shipped_smollm2();

// The same weights as f32 (540 MB), made from the shipped file in the build's directory and kept there.
std::string smollm2_in_f32(const std::string& shipped);

// Everything in f32 and no flash attention: what transformers computes in f32.
LlamaEngineOptions exact_smollm2(const std::string& shipped);

}  // namespace endorm
