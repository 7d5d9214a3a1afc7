#pragma once

#include <string>

namespace endorm {

// What a directory holds that is not in GGUF, by the files that transformers and PEFT write.
enum class CheckpointKind {
  kNone,
  kModel,    // config.json
  kAdapter,  // adapter_config.json, PEFT's
};

CheckpointKind checkpoint_kind(const std::string& directory);

// For where a GGUF file is wanted and a directory was given: what it is, and what to give instead.
std::string directory_advice(const std::string& directory);

}  // namespace endorm
