#include "engine/weights/gguf_tensors.h"

#include <optional>

#include <ggml.h>

#include "core/errors.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

std::optional<TensorType> type_of(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F32:
      return TensorType::kF32;
    case GGML_TYPE_F16:
      return TensorType::kF16;
    case GGML_TYPE_BF16:
      return TensorType::kBf16;
    default:
      return std::nullopt;
  }
}

[[noreturn]] void refuse(const std::string& path, const ggml_tensor& tensor) {
  throw InvalidInput("[read_gguf_tensors] " + path + " holds " + ggml_get_name(&tensor) + " as " +
                     ggml_type_name(tensor.type) + "; it can be read as f32, f16 or bf16.");
}

}  // namespace

FileTensors read_gguf_tensors(const std::string& path, const TensorChoice& wanted) {
  const GgufFile file(path);
  FileTensors result;
  for (const ggml_tensor* const found : file.tensors()) {
    const std::string name = ggml_get_name(found);
    if (!wanted(name)) {
      continue;
    }
    const std::optional<TensorType> type = type_of(found->type);
    if (!type) {
      refuse(path, *found);
    }
    FileTensor& tensor = result[name];
    tensor.type = *type;
    for (const std::int64_t size : shape_of(*found)) {
      tensor.shape.push_back(static_cast<std::size_t>(size));
    }
    tensor.bytes.resize(ggml_nbytes(found));
    file.read(*found, 0, tensor.bytes);
  }
  return result;
}

}  // namespace endorm
