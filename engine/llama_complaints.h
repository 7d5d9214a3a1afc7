#pragma once

#include <string>

namespace endorm {

// What libllama and ggml have complained about since the last call, as one line; cleared by the call. From the first
// call on complaints are kept instead of printed. Thread-safe.
std::string take_llama_complaints();

}  // namespace endorm
