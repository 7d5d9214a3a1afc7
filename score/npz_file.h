#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/atomic_file.h"

namespace endorm {

// What numpy.load reads: arrays by name, as .npy files in a ZIP archive, nothing compressed. Arrays grow by rows on the
// disk, beside the file, so that none is held; the file takes its path whole or not at all, and of a run that is killed
// no more stays than of an AtomicFile.
class NpzFile {
 public:
  // Messages are in the name of `writer`. Throws as AtomicFile.
  NpzFile(const std::string& path, std::string_view writer);
  ~NpzFile();
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  // A new array [N], or with columns [N, columns], by its number for append. Number: std::uint8_t, std::int32_t,
  // std::int64_t or float. Throws EngineError.
  template <typename Number>
  std::size_t add(const std::string& name, std::optional<std::size_t> columns = std::nullopt);
  // More rows of it, of the type that it was added with. Throws EngineError where the disk is full or fails.
  template <typename Number>
  void append(std::size_t array, std::span<const Number> numbers) {
    append_bytes(array, {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()}, sizeof(Number));
  }
  // Last call.
  void commit();

 private:
  struct Array;

  void append_bytes(std::size_t array, std::string_view bytes, std::size_t element);
  void write_batch(Array& array) const;
  void read_all(const Array& array, const std::function<void(std::string_view)>& take) const;
  [[noreturn]] void fail(const char* action) const;

  std::string path_;
  std::string writer_;
  AtomicFile file_;
  std::vector<Array> arrays_;
};

}  // namespace endorm
