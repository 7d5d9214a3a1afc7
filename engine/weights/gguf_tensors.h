#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/weights/tensor_type.h"

namespace endorm {

// A tensor as a file holds it, row-major: the last dimension varies fastest. bytes are little-endian and exactly as
// many as type and shape ask for.
struct FileTensor {
  TensorType type = TensorType::kF32;
  std::vector<std::size_t> shape;
  std::string bytes;
};
using FileTensors = std::map<std::string, FileTensor>;

// Which tensors of a file are to be read, by name.
using TensorChoice = std::function<bool(std::string_view name)>;

// The tensors of a GGUF file that `wanted` chooses; shapes are given as PyTorch writes them (GGUF's own order reversed,
// without the ones that it adds in front). Throws InvalidInput where the file cannot be opened, is damaged or ends too
// early, and where a chosen tensor is of another type; EngineError where reading fails.
FileTensors read_gguf_tensors(const std::string& path, const TensorChoice& wanted);

}  // namespace endorm
