#include "engine/checkpoint_directory.h"

#include <filesystem>
#include <system_error>

namespace endorm {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& path) {
  return path.find_first_of(" '\"$&()*;<>?[]`{|}~\\\t") == std::string::npos ? path : "'" + path + "'";
}

}  // namespace

CheckpointKind checkpoint_kind(const std::string& directory) {
  std::error_code failure;
  if (fs::exists(fs::path(directory) / "adapter_config.json", failure)) {
    return CheckpointKind::kAdapter;
  }
  return fs::exists(fs::path(directory) / "config.json", failure) ? CheckpointKind::kModel : CheckpointKind::kNone;
}

std::string directory_advice(const std::string& directory) {
  const std::string command = "`endorm models convert " + quoted(directory) + "`";
  switch (checkpoint_kind(directory)) {
    case CheckpointKind::kModel:
      return directory + " is a directory with a checkpoint of transformers, not a GGUF file. " + command +
             " makes one of it.";
    case CheckpointKind::kAdapter:
      return directory + " is a directory with an adapter of PEFT, not a GGUF file. " + command +
             " makes one of it, for --lora.";
    case CheckpointKind::kNone:
      break;
  }
  return directory +
         " is a directory, and no checkpoint: it has neither config.json nor adapter_config.json. Give a GGUF file.";
}

}  // namespace endorm
