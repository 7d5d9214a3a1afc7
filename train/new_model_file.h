#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/weights/weight_writer.h"
#include "score/option.h"

namespace endorm {

// A model that does not exist yet: its sizes, and the seed of its random weights.
struct NewModelFile {
  NewModel model;
  std::uint64_t seed = 0;
};

// The table of both: keys of its file, and of a manifest.
std::span<const Option<NewModelFile>> new_model_options();

// Reads a TOML file with these keys, of which layers, width, heads, kv_heads, feed_forward and context must be there.
// Throws InvalidInput, naming the file and the key, where it cannot be read, a key is missing, unknown or of another
// type, and where the sizes fit no model.
NewModelFile read_new_model_file(const std::string& path);

// Makes sure that DIRECTORY/start.gguf is there, the model with its random weights (train/decoder_weights.h) in f32,
// and returns its path. It is written as long as the directory holds no checkpoint; a run that goes on finds the file
// that it began with. The same description and seed give the same bytes under the same version of PyTorch. Throws
// InvalidInput where the directory cannot be one, EngineError where the file cannot be written.
std::string write_start_model(const NewModelFile& description, const std::string& directory);

}  // namespace endorm
