#pragma once

#include <span>
#include <vector>

#include "engine/token_tree.h"

namespace endorm {

// What a trained reward head reads, of an engine that can show it.
class HiddenStates {
 public:
  virtual ~HiddenStates() = default;

  // [S][D] behind the last token of each sequence [S][T], after the model's last norm. Throws InvalidInput where a
  // sequence is empty, longer than the context or holds what is no token; EngineError where the model fails.
  virtual std::vector<std::vector<float>> read(std::span<const Tokens> sequences) = 0;
};

}  // namespace endorm
