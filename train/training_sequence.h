#pragma once

#include <cstddef>

#include "engine/token_tree.h"

namespace endorm {

// One sequence to learn from: its targets are tokens[first_target ..], each given all tokens before it.
struct TrainingSequence {
  Tokens tokens;
  std::size_t first_target = 1;  // at least 1: nothing comes before the first token
};

}  // namespace endorm
