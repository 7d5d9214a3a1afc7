#pragma once

#include <string>

#include "judge/reward_head.h"

namespace endorm {

// Reads a safetensors or a GGUF file, told apart by their first bytes. Of a file with a whole model only the head is
// read. Throws InvalidInput where it cannot be opened or read, and as RewardHead does.
RewardHead read_reward_head(const std::string& path);

}  // namespace endorm
