// Arbitrary bytes taken for a safetensors file with a reward head: a head whose reward can be had, or InvalidInput.

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "core/errors.h"
#include "judge/reward_head.h"
#include "judge/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream file(std::string(reinterpret_cast<const char*>(data), size));
  try {
    const endorm::RewardHead head(
        endorm::read_safetensors(file, "head", [](std::string_view name) { return name.starts_with("score."); }),
        "head");
    head.reward(std::vector<float>(head.width(), 1.0F));
  } catch (const endorm::InvalidInput&) {
  }
  return 0;
}
