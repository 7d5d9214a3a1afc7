#include "engine/weights/weight_file.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include <ggml.h>
#include <gguf.h>

#include "core/errors.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;  // of a quantised tensor, held beside its values

[[noreturn]] void refuse(const GgufFile& file, const std::string& fact) {
  throw InvalidInput("[WeightFile] " + file.path() + " " + fact);
}

std::optional<std::int64_t> id_of(const GgufFile& file, std::string_view key) {
  const std::int64_t id = gguf_find_key(file.header(), std::string(key).c_str());
  return id < 0 ? std::nullopt : std::optional(id);
}

[[noreturn]] void refuse_kind(const GgufFile& file, std::int64_t id, const std::string& wanted) {
  refuse(file, std::string("holds ") + gguf_get_key(file.header(), id) + " as " +
                   gguf_type_name(gguf_get_kv_type(file.header(), id)) + ", not as " + wanted +
                   ". Convert the model again.");
}

// What a value is as a number, and as a whole one from 0 on.
struct Number {
  std::optional<double> real;
  std::optional<std::uint64_t> whole;
};

template <typename Stored>
Number number_of(const void* data, std::size_t index) {
  Stored value{};
  std::memcpy(&value, static_cast<const char*>(data) + index * sizeof value, sizeof value);
  Number number{static_cast<double>(value), std::nullopt};
  if constexpr (std::is_integral_v<Stored>) {
    number.whole = std::cmp_less(value, 0) ? std::nullopt : std::optional(static_cast<std::uint64_t>(value));
  }
  return number;
}

Number number_at(gguf_type type, const void* data, std::size_t index) {
  switch (type) {
    case GGUF_TYPE_UINT8:
      return number_of<std::uint8_t>(data, index);
    case GGUF_TYPE_INT8:
      return number_of<std::int8_t>(data, index);
    case GGUF_TYPE_UINT16:
      return number_of<std::uint16_t>(data, index);
    case GGUF_TYPE_INT16:
      return number_of<std::int16_t>(data, index);
    case GGUF_TYPE_UINT32:
      return number_of<std::uint32_t>(data, index);
    case GGUF_TYPE_INT32:
      return number_of<std::int32_t>(data, index);
    case GGUF_TYPE_UINT64:
      return number_of<std::uint64_t>(data, index);
    case GGUF_TYPE_INT64:
      return number_of<std::int64_t>(data, index);
    case GGUF_TYPE_FLOAT32:
      return number_of<float>(data, index);
    case GGUF_TYPE_FLOAT64:
      return number_of<double>(data, index);
    case GGUF_TYPE_BOOL:
      return {std::nullopt, number_of<std::int8_t>(data, index).real != 0.0 ? 1U : 0U};
    default:
      return {};
  }
}

Number number_under(const GgufFile& file, std::int64_t id) {
  const gguf_type type = gguf_get_kv_type(file.header(), id);
  const bool single = type != GGUF_TYPE_ARRAY && type != GGUF_TYPE_STRING;
  return single ? number_at(type, gguf_get_val_data(file.header(), id), 0) : Number{};
}

const ggml_tensor& tensor_of(const GgufFile& file, const std::string& name) {
  const ggml_tensor* const tensor = file.find(name);
  if (tensor == nullptr) {
    refuse(file, "holds no tensor " + name + ".");
  }
  return *tensor;
}

}  // namespace

WeightFile::WeightFile(const std::string& path) : file_(std::make_unique<GgufFile>(path)) {
  if (const auto parts = integer("split.count"); parts && *parts > 1) {
    refuse(*file_, "is one of " + std::to_string(*parts) +
                       " parts of a model. Join them with llama.cpp's llama-gguf-split --merge.");
  }
}
WeightFile::~WeightFile() = default;
WeightFile::WeightFile(WeightFile&&) noexcept = default;
WeightFile& WeightFile::operator=(WeightFile&&) noexcept = default;

const std::string& WeightFile::path() const { return file_->path(); }

std::string WeightFile::architecture() const {
  const auto name = text("general.architecture");
  if (!name) {
    refuse(*file_, "does not say its architecture (general.architecture). Convert the model again.");
  }
  return *name;
}

std::optional<std::uint64_t> WeightFile::integer(std::string_view key) const {
  const auto id = id_of(*file_, key);
  if (!id) {
    return std::nullopt;
  }
  const auto number = number_under(*file_, *id).whole;
  if (!number) {
    refuse_kind(*file_, *id, "a whole number from 0 on");
  }
  return number;
}

std::optional<double> WeightFile::real(std::string_view key) const {
  const auto id = id_of(*file_, key);
  if (!id) {
    return std::nullopt;
  }
  const auto number = number_under(*file_, *id).real;
  if (!number) {
    refuse_kind(*file_, *id, "a number");
  }
  return number;
}

std::optional<std::string> WeightFile::text(std::string_view key) const {
  const auto id = id_of(*file_, key);
  if (!id) {
    return std::nullopt;
  }
  if (gguf_get_kv_type(file_->header(), *id) != GGUF_TYPE_STRING) {
    refuse_kind(*file_, *id, "text");
  }
  return gguf_get_val_str(file_->header(), *id);
}

std::vector<std::uint64_t> WeightFile::integers(std::string_view key) const {
  const auto id = id_of(*file_, key);
  if (!id) {
    return {};
  }
  if (gguf_get_kv_type(file_->header(), *id) != GGUF_TYPE_ARRAY) {
    return {*integer(key)};
  }
  const gguf_type type = gguf_get_arr_type(file_->header(), *id);
  const void* const data = type == GGUF_TYPE_STRING ? nullptr : gguf_get_arr_data(file_->header(), *id);
  std::vector<std::uint64_t> numbers;
  for (std::size_t index = 0; index < gguf_get_arr_n(file_->header(), *id); ++index) {
    const auto number = number_at(type, data, index).whole;
    if (!number) {
      refuse_kind(*file_, *id, "whole numbers from 0 on");
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<std::string> WeightFile::names() const {
  std::vector<std::string> all;
  for (const ggml_tensor* const tensor : file_->tensors()) {
    all.emplace_back(ggml_get_name(tensor));
  }
  return all;
}

bool WeightFile::has(const std::string& name) const { return file_->find(name) != nullptr; }

std::vector<std::int64_t> WeightFile::shape(const std::string& name) const { return shape_of(tensor_of(*file_, name)); }

std::vector<float> WeightFile::values(const std::string& name) const {
  const ggml_tensor& tensor = tensor_of(*file_, name);
  std::vector<float> all(static_cast<std::size_t>(ggml_nelements(&tensor)));
  if (tensor.type == GGML_TYPE_F32) {
    file_->read(tensor, 0, {reinterpret_cast<char*>(all.data()), all.size() * sizeof(float)});
    return all;
  }
  const ggml_to_float_t to_float = ggml_get_type_traits(tensor.type)->to_float;
  if (to_float == nullptr) {
    refuse(*file_, "holds " + name + " as " + ggml_type_name(tensor.type) + ", which is no type of weights.");
  }
  const std::size_t block_bytes = ggml_type_size(tensor.type);
  const auto block_values = static_cast<std::size_t>(ggml_blck_size(tensor.type));
  std::vector<char> bytes(kChunkBytes / block_bytes * block_bytes);
  std::size_t done = 0;
  for (std::size_t begin = 0; begin < ggml_nbytes(&tensor); begin += bytes.size()) {
    bytes.resize(std::min(bytes.size(), ggml_nbytes(&tensor) - begin));
    file_->read(tensor, begin, bytes);
    const std::size_t count = bytes.size() / block_bytes * block_values;
    to_float(bytes.data(), all.data() + done, static_cast<std::int64_t>(count));
    done += count;
  }
  return all;
}

}  // namespace endorm
