#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/llama/llama_decode.h"

namespace endorm {

// Hidden states of one model, read behind its last norm as a pass goes by; the head is not computed. Has a context of
// its own, made at first use.
class LlamaHiddenStates {
 public:
  explicit LlamaHiddenStates(LlamaParts parts) : parts_(std::move(parts)) {}
  LlamaHiddenStates(const LlamaHiddenStates&) = delete;
  LlamaHiddenStates& operator=(const LlamaHiddenStates&) = delete;

  // [S][D] behind the last token of each sequence [S][T >= 1]. Prefixes are computed once, but for recurrent models.
  // Throws EngineError where libllama fails, a state is not finite, or the model's graph names no last norm.
  std::vector<std::vector<float>> read(std::span<const Tokens> sequences);

 private:
  static bool on_node(ggml_tensor* node, bool ask, void* self);
  void make_room(std::size_t cells, const WaveLimits& limits);
  std::span<const float> state(std::size_t row) const;

  LlamaParts parts_;
  LlamaContextHandle context_;
  std::size_t cells_ = 0;
  std::vector<float> rows_;  // [rows, D] of the pass that was last
};

}  // namespace endorm
