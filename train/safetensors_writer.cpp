#include "train/safetensors_writer.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/atomic_file.h"

namespace endorm {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::size_t kAlignment = 8;  // of the data, bytes

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::size_t values_in(const std::vector<std::int64_t>& shape) {
  std::size_t values = 1;
  for (const std::int64_t size : shape) {
    values *= static_cast<std::size_t>(size);
  }
  return values;
}

// The header and its length, filled up with blanks so that the data are aligned.
std::string header_of(std::span<const Weights> tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::size_t begin = 0;
  for (const Weights& tensor : tensors) {
    if (header.contains(tensor.name)) {
      throw InvalidInput("[write_safetensors] " + tensor.name + " is given twice");
    }
    if (values_in(tensor.shape) != tensor.values.size()) {
      throw InvalidInput("[write_safetensors] " + tensor.name + " has " + std::to_string(tensor.values.size()) +
                         " values, other than its shape");
    }
    const std::size_t end = begin + tensor.values.size_bytes();
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const Weights> tensors) {
  const std::string header = header_of(tensors);
  AtomicFile file(path);
  file.write(header);
  for (const Weights& tensor : tensors) {
    file.write(bytes_of(tensor.values));
  }
  file.commit();
}

}  // namespace endorm
