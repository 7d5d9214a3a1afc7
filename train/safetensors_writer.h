#pragma once

#include <span>
#include <string>

#include "engine/weights/weight_writer.h"

namespace endorm {

// Writes tensors as a safetensors file, all of them F32: eight bytes with the length of a JSON header, the header
// {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {"format": "pt"}}, the data. The file
// appears whole or not at all. Throws InvalidInput where a name stands twice, the values are not as many as the shape
// says or the path is no regular file, EngineError where the disk is full or fails.
void write_safetensors(const std::string& path, std::span<const Weights> tensors);

}  // namespace endorm
