#include "engine/gguf_tensors.h"

#include <fstream>
#include <memory>
#include <optional>

#include <ggml.h>
#include <gguf.h>

#include "core/errors.h"
#include "engine/llama_handles.h"

namespace endorm {
namespace {

struct HeaderDeleter {
  void operator()(gguf_context* header) const { gguf_free(header); }
};
struct TensorsDeleter {
  void operator()(ggml_context* tensors) const { ggml_free(tensors); }
};

[[noreturn]] void refuse(const std::string& path, const std::string& fact) {
  throw InvalidInput("[read_gguf_tensors] " + path + " " + fact);
}

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

}  // namespace

FileTensors read_gguf_tensors(const std::string& path, const TensorChoice& wanted) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse(path, "cannot be opened. Check the path.");
  }
  take_llama_complaints();
  ggml_context* made = nullptr;
  const std::unique_ptr<gguf_context, HeaderDeleter> header(
      gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &made}));
  const std::unique_ptr<ggml_context, TensorsDeleter> tensors(made);
  if (!header) {
    refuse(path, "is damaged: " + take_llama_complaints() + ". Download or convert it again.");
  }
  FileTensors result;
  for (std::int64_t id = 0; id < gguf_get_n_tensors(header.get()); ++id) {
    const char* const name = gguf_get_tensor_name(header.get(), id);
    if (!wanted(name)) {
      continue;
    }
    const ggml_tensor* const found = ggml_get_tensor(tensors.get(), name);
    const std::optional<TensorType> type = type_of(found->type);
    if (!type) {
      refuse(path, "holds " + std::string(name) + " as " + ggml_type_name(found->type) +
                       "; it can be read as f32, f16 or bf16.");
    }
    FileTensor& tensor = result[name];
    tensor.type = *type;
    for (int dimension = ggml_n_dims(found); dimension > 0; --dimension) {
      tensor.shape.push_back(static_cast<std::size_t>(found->ne[dimension - 1]));
    }
    const std::size_t begin = gguf_get_data_offset(header.get()) + gguf_get_tensor_offset(header.get(), id);
    file.seekg(0, std::ios::end);
    const auto end = static_cast<std::size_t>(file.tellg());
    if (begin > end || ggml_nbytes(found) > end - begin) {
      refuse(path, "ends within " + std::string(name) + ". Download or convert it again.");
    }
    tensor.bytes.resize(ggml_nbytes(found));
    file.seekg(static_cast<std::streamoff>(begin));
    if (!file.read(tensor.bytes.data(), static_cast<std::streamsize>(tensor.bytes.size()))) {
      refuse(path, "could not be read to its end. Check the disk.");
    }
  }
  return result;
}

}  // namespace endorm
