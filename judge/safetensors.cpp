#include "judge/safetensors.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit, bytes

[[noreturn]] void refuse(const std::string& file, const std::string& fact) {
  throw InvalidInput("[read_safetensors] " + file + " " + fact);
}

std::uint64_t size_of(std::istream& file) {
  file.seekg(0, std::ios::end);
  const std::streamoff end = file.tellg();
  file.seekg(0);
  return end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

std::string read_bytes(std::istream& file, const std::string& name, std::uint64_t begin, std::uint64_t count) {
  std::string bytes(count, '\0');
  file.seekg(static_cast<std::streamoff>(begin));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(count))) {
    refuse(name, "could not be read to its end. Check the disk.");
  }
  return bytes;
}

std::uint64_t little_endian(const std::string& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    number = number << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

// Type and bytes in an element.
std::optional<std::pair<TensorType, std::uint64_t>> type_of(const json& dtype) {
  if (dtype == "F32") {
    return std::pair{TensorType::kF32, std::uint64_t{4}};
  }
  if (dtype == "F16") {
    return std::pair{TensorType::kF16, std::uint64_t{2}};
  }
  if (dtype == "BF16") {
    return std::pair{TensorType::kBf16, std::uint64_t{2}};
  }
  return std::nullopt;
}

bool is_count_list(const json& value) {
  if (!value.is_array()) {
    return false;
  }
  for (const json& entry : value) {
    if (!entry.is_number_unsigned()) {
      return false;
    }
  }
  return true;
}

// Whether elements of this size fill exactly `bytes`; no product may overflow.
bool fills(const std::vector<std::size_t>& shape, std::uint64_t element_bytes, std::uint64_t bytes) {
  std::uint64_t product = element_bytes;
  for (const std::size_t length : shape) {
    if (length != 0 && product > bytes / length) {
      return false;
    }
    product *= length;
  }
  return product == bytes;
}

// data_begin, data_bytes: where the data of the file lies.
FileTensor read_tensor(std::istream& file, const std::string& name, const std::string& tensor_name, const json& entry,
                       std::uint64_t data_begin, std::uint64_t data_bytes) {
  const std::string what = "\"" + excerpt(tensor_name) + "\"";
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets") ||
      !is_count_list(entry["shape"]) || !is_count_list(entry["data_offsets"]) || entry["data_offsets"].size() != 2) {
    refuse(name, "is damaged: the header does not describe " + what + ". Download it again.");
  }
  const auto type = type_of(entry["dtype"]);
  if (!type) {
    refuse(name, "holds " + what + " as " + excerpt(entry["dtype"].dump()) + "; it can be read as F32, F16 or BF16.");
  }
  FileTensor tensor;
  tensor.type = type->first;
  tensor.shape = entry["shape"].get<std::vector<std::size_t>>();
  const auto [begin, end] = entry["data_offsets"].get<std::array<std::uint64_t, 2>>();
  if (begin > end || end > data_bytes) {
    refuse(name, "is damaged: " + what + " lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) +
                     " of " + std::to_string(data_bytes) + ". Download it again.");
  }
  if (!fills(tensor.shape, type->second, end - begin)) {
    refuse(name, "is damaged: the shape of " + what + " does not fill its " + std::to_string(end - begin) +
                     " bytes. Download it again.");
  }
  tensor.bytes = read_bytes(file, name, data_begin + begin, end - begin);
  return tensor;
}

}  // namespace

FileTensors read_safetensors(std::istream& file, const std::string& name, const TensorChoice& wanted) {
  const std::uint64_t size = size_of(file);
  if (size < kLengthBytes) {
    refuse(name, "is no safetensors file: it has " + std::to_string(size) + " bytes.");
  }
  const std::uint64_t length = little_endian(read_bytes(file, name, 0, kLengthBytes));
  if (length > kLongestHeader || length > size - kLengthBytes) {
    refuse(name, "is no whole safetensors file: it would begin with a header of " + std::to_string(length) +
                     " bytes. Download it again.");
  }
  const std::string text = read_bytes(file, name, kLengthBytes, length);
  json header;
  try {
    check_json(text);
    header = json::parse(text);
  } catch (const InvalidInput& error) {
    refuse(name, std::string("is no safetensors file: ") + error.what());
  } catch (const json::exception& error) {
    refuse(name, std::string("is no safetensors file: ") + error.what());
  }
  if (!header.is_object()) {
    refuse(name, "is no safetensors file: the header is no JSON object.");
  }
  FileTensors result;
  for (const auto& [tensor_name, entry] : header.items()) {
    if (tensor_name != "__metadata__" && wanted(tensor_name)) {
      result[tensor_name] =
          read_tensor(file, name, tensor_name, entry, kLengthBytes + length, size - kLengthBytes - length);
    }
  }
  return result;
}

}  // namespace endorm
