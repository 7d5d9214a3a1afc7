#pragma once

#include <string>

#include "app/cli/converter_environment.h"
#include "engine/checkpoint_directory.h"

namespace endorm {

struct ConversionSettings {
  std::string source;  // directory of a checkpoint or of an adapter, or ORG/REPO of the hub, with or without hf:
  std::string output;  // file; where empty, NAME-TYPE.gguf in the current directory
  std::string type;    // of the matrices; where empty, bf16, and f32 for an adapter
  std::string base;    // of an adapter: its model's checkpoint; where empty, the one that the adapter names
  bool check = false;  // it will be compared: of an adapter, its model's weights and PEFT are needed, too
  bool overwrite = false;
  bool trust_code = false;  // a checkpoint may bring Python of its own, which transformers then runs
};

struct Conversion {
  CheckpointKind kind = CheckpointKind::kModel;
  std::string checkpoint;  // directory, of the hub's cache where it came from there
  std::string base;        // directory, of an adapter
  std::string type;
  std::string file;
};

// Has the converter make a GGUF file, which takes its name once it is whole. Throws InvalidInput where there is nothing
// to convert or the converter refuses it, in the converter's words; EngineError where the machine or the network is at
// fault; Interrupted.
Conversion convert_checkpoint(const ConversionSettings& settings, const ConverterSettings& converter);

}  // namespace endorm
