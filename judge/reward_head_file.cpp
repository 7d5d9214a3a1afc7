#include <array>
#include <fstream>
#include <string_view>

#include "core/errors.h"
#include "engine/weights/gguf_file.h"
#include "judge/reward_head.h"
#include "judge/safetensors.h"

namespace endorm {

RewardHead read_reward_head(const std::string& path) {
  const auto wanted = [](std::string_view name) { return name.starts_with("score."); };
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  if (!file.read(magic.data(), magic.size())) {
    throw InvalidInput("[read_reward_head] " + path + " cannot be read. Check the path.");
  }
  const bool is_gguf = std::string_view(magic.data(), magic.size()) == "GGUF";
  return {is_gguf ? read_gguf_tensors(path, wanted) : read_safetensors(file, path, wanted), path};
}

}  // namespace endorm
