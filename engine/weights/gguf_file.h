#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/weights/tensor_type.h"

struct ggml_context;
struct ggml_tensor;
struct gguf_context;

namespace endorm {

struct GgufDeleter {
  void operator()(gguf_context* header) const;
  void operator()(ggml_context* tensors) const;
};
using GgufHandle = std::unique_ptr<gguf_context, GgufDeleter>;
using TensorsHandle = std::unique_ptr<ggml_context, GgufDeleter>;

// A GGUF file that is held open: what it is read from stays the same where another file takes its name. Reading is
// thread-safe.
class GgufFile {
 public:
  // Parses the header and makes sure that every tensor ends within the file. Throws InvalidInput where the file cannot
  // be opened, is no GGUF, is damaged or ends too early.
  explicit GgufFile(const std::string& path);

  const std::string& path() const { return path_; }
  const gguf_context* header() const { return header_.get(); }
  // In the order of the file; their data is not loaded.
  std::vector<const ggml_tensor*> tensors() const;
  // nullptr where there is none of that name.
  const ggml_tensor* find(const std::string& name) const;
  // Bytes of a tensor from `begin` on. Throws EngineError where reading fails.
  void read(const ggml_tensor& tensor, std::size_t begin, std::span<char> bytes) const;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::size_t place_of(const ggml_tensor& tensor) const;  // of its first byte in the file

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  GgufHandle header_;
  TensorsHandle tensors_;
};

// As PyTorch writes it: GGUF's own order reversed, without the ones that it adds in front.
std::vector<std::int64_t> shape_of(const ggml_tensor& tensor);

// A damaged file of weights can make libllama end the process while it loads. This looks first for what is known to do
// so: a header that does not parse, a value of another type, counts out of range, a token that stands twice. Reads the
// header of a model or an adapter. Throws EngineError naming the file and what is wrong with it.
//
// What it does not see: numbers that contradict each other or the tensors (heads, rotary dimensions) in architectures
// where libllama checks them only while it computes.
void check_gguf(const std::string& path);

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
