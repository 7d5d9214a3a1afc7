#include "engine/weights/gguf_file.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include <ggml.h>
#include <gguf.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"
#include "engine/llama_complaints.h"

namespace endorm {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& fact) {
  throw InvalidInput("[read GGUF] " + path + " " + fact);
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

[[noreturn]] void refuse_type(const std::string& path, const std::string& name, ggml_type type) {
  throw InvalidInput("[read_gguf_tensors] " + path + " holds " + name + " as " + ggml_type_name(type) +
                     "; it can be read as f32, f16 or bf16.");
}

}  // namespace

void GgufDeleter::operator()(gguf_context* header) const { gguf_free(header); }
void GgufDeleter::operator()(ggml_context* tensors) const { ggml_free(tensors); }

GgufFile::GgufFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
  if (!file_) {
    refuse(path, std::string("cannot be opened: ") + std::strerror(errno) + ". Check the path.");
  }
  struct stat status {};
  if (::fstat(::fileno(file_.get()), &status) != 0 || !S_ISREG(status.st_mode)) {
    refuse(path, "is no regular file. Give a GGUF file.");
  }
  take_llama_complaints();
  ggml_context* made = nullptr;
  header_.reset(gguf_init_from_file_ptr(file_.get(), {.no_alloc = true, .ctx = &made}));
  tensors_.reset(made);
  if (!header_) {
    refuse(path, "is damaged: " + take_llama_complaints() + ". Download or convert it again.");
  }
  const auto end = static_cast<std::size_t>(status.st_size);
  for (const ggml_tensor* const tensor : tensors()) {
    const std::size_t begin = place_of(*tensor);
    if (begin > end || ggml_nbytes(tensor) > end - begin) {
      refuse(path, "ends within " + std::string(ggml_get_name(tensor)) + ". Download or convert it again.");
    }
  }
}

std::vector<const ggml_tensor*> GgufFile::tensors() const {
  std::vector<const ggml_tensor*> all;
  for (const ggml_tensor* tensor = ggml_get_first_tensor(tensors_.get()); tensor != nullptr;
       tensor = ggml_get_next_tensor(tensors_.get(), const_cast<ggml_tensor*>(tensor))) {
    all.push_back(tensor);
  }
  return all;
}

const ggml_tensor* GgufFile::find(const std::string& name) const {
  return ggml_get_tensor(tensors_.get(), name.c_str());
}

std::size_t GgufFile::place_of(const ggml_tensor& tensor) const {
  const std::int64_t id = gguf_find_tensor(header_.get(), ggml_get_name(&tensor));
  return gguf_get_data_offset(header_.get()) + gguf_get_tensor_offset(header_.get(), id);
}

void GgufFile::read(const ggml_tensor& tensor, std::size_t begin, std::span<char> bytes) const {
  auto place = static_cast<off_t>(place_of(tensor) + begin);
  while (!bytes.empty()) {
    const ssize_t count = ::pread(::fileno(file_.get()), bytes.data(), bytes.size(), place);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw EngineError("[read GGUF] " + path_ + " could not be read: " +
                        (count < 0 ? std::strerror(errno) : "it became shorter") + ". Check the disk.");
    }
    place += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

std::vector<std::int64_t> shape_of(const ggml_tensor& tensor) {
  std::vector<std::int64_t> shape;
  for (int dimension = ggml_n_dims(&tensor); dimension > 0; --dimension) {
    shape.push_back(tensor.ne[dimension - 1]);
  }
  return shape;
}

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
      refuse_type(path, name, found->type);
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
