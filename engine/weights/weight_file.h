#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

class GgufFile;

// One GGUF file: metadata by key, weights as float. The file stays open: a WeightFile reads the same weights after
// another file has taken its path. Thread-safe.
//
// A key that is absent is no value; a key whose value is of another kind than the one asked for is damage, and throws
// InvalidInput.
class WeightFile {
 public:
  // Reads the header. Throws InvalidInput where the file cannot be opened, is no GGUF, is damaged, ends before its
  // last tensor does, or is one part of a model that lies in several files.
  explicit WeightFile(const std::string& path);
  ~WeightFile();
  WeightFile(WeightFile&&) noexcept;
  WeightFile& operator=(WeightFile&&) noexcept;

  const std::string& path() const;
  // general.architecture ("llama", "qwen3", ...). Throws InvalidInput where there is none.
  std::string architecture() const;

  // A whole number of any size, at least 0; true is 1.
  std::optional<std::uint64_t> integer(std::string_view key) const;
  // A number, whole or not.
  std::optional<double> real(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  // An array of whole numbers as integer(); a single one is an array of one. Empty where absent. What a model gives
  // layer by layer (heads, feed-forward widths, which layers have a sliding window) is one number or an array.
  std::vector<std::uint64_t> integers(std::string_view key) const;

  // Of the tensors, in the order of the file.
  std::vector<std::string> names() const;
  bool has(const std::string& name) const;
  // As PyTorch writes it: a linear layer's weight is [out, in]. GGUF's own order reversed, without the ones that it
  // adds in front. Throws InvalidInput where there is no such tensor.
  std::vector<std::int64_t> shape(const std::string& name) const;
  // Row-major, of any type that ggml knows, quantised ones as the numbers that they stand for. Throws InvalidInput
  // where there is no such tensor or its type holds no weights (whole numbers, f64); EngineError where reading fails.
  std::vector<float> values(const std::string& name) const;

 private:
  friend class GgufWriter;  // copies the metadata

  std::unique_ptr<GgufFile> file_;
};

}  // namespace endorm
