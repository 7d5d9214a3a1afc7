#include "engine/weights/gguf_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include "core/errors.h"

namespace endorm {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;  // values that are converted at a time

struct Format {
  ggml_type type;
  llama_ftype file_type;
  float largest;
};

Format format_of(TensorType type) {
  static constexpr std::array<Format, 3> kFormats = {{{GGML_TYPE_F32, LLAMA_FTYPE_ALL_F32, 0x1.fffffep+127F},
                                                      {GGML_TYPE_F16, LLAMA_FTYPE_MOSTLY_F16, 0x1.ffcp+15F},
                                                      {GGML_TYPE_BF16, LLAMA_FTYPE_MOSTLY_BF16, 0x1.fep+127F}}};
  return kFormats.at(static_cast<std::size_t>(type));
}

std::string in_words(std::span<const std::int64_t> shape) {
  std::string words = "[";
  for (const std::int64_t size : shape) {
    words += (words.size() > 1 ? "," : "") + std::to_string(size);
  }
  return words + "]";
}

bool is_vector(std::span<const std::int64_t> shape) {
  const auto before_last = shape.first(shape.empty() ? 0 : shape.size() - 1);
  return std::all_of(before_last.begin(), before_last.end(), [](std::int64_t size) { return size == 1; });
}

void check(const Weights& weights, TensorType type) {
  const auto refuse = [&](const std::string& fact) {
    throw InvalidInput("[GgufWriter] tensor " + weights.name + " " + fact);
  };
  if (weights.name.empty() || weights.name.size() >= GGML_MAX_NAME) {
    refuse("has a name of " + std::to_string(weights.name.size()) + " bytes, not 1 to " +
           std::to_string(GGML_MAX_NAME - 1));
  }
  if (weights.shape.empty() || weights.shape.size() > GGML_MAX_DIMS) {
    refuse("has " + std::to_string(weights.shape.size()) + " dimensions, not 1 to " + std::to_string(GGML_MAX_DIMS));
  }
  std::size_t left = weights.values.size();
  for (const std::int64_t size : weights.shape) {
    const bool divides = size > 0 && left % static_cast<std::size_t>(size) == 0;
    left = divides ? left / static_cast<std::size_t>(size) : 0;
  }
  if (left != 1) {
    refuse("has " + std::to_string(weights.values.size()) + " values for the shape " + in_words(weights.shape));
  }
  const float largest = format_of(type).largest;
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    if (!(std::abs(weights.values[i]) <= largest)) {  // NaN as well
      refuse("holds " + std::to_string(weights.values[i]) + " at " + std::to_string(i) + ", which " +
             ggml_type_name(format_of(type).type) + " cannot hold. Did the training diverge?");
    }
  }
}

void write_values(AtomicFile& file, std::span<const float> values, ggml_type type) {
  if (type == GGML_TYPE_F32) {
    file.write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    return;
  }
  std::vector<std::uint16_t> halves;
  for (std::size_t begin = 0; begin < values.size(); begin += kChunk) {
    const auto chunk = values.subspan(begin, std::min(kChunk, values.size() - begin));
    halves.resize(chunk.size());
    if (type == GGML_TYPE_F16) {
      ggml_fp32_to_fp16_row(chunk.data(), reinterpret_cast<ggml_fp16_t*>(halves.data()),
                            static_cast<std::int64_t>(chunk.size()));
    } else {
      ggml_fp32_to_bf16_row(chunk.data(), reinterpret_cast<ggml_bf16_t*>(halves.data()),
                            static_cast<std::int64_t>(chunk.size()));
    }
    file.write({reinterpret_cast<const char*>(halves.data()), halves.size() * sizeof halves[0]});
  }
}

}  // namespace

GgufWriter::GgufWriter() : header_(gguf_init_empty()) {}

void GgufWriter::copy_metadata(const WeightFile& like) {
  gguf_set_kv(header(), like.file_->header());
  const gguf_context* const source = like.file_->header();
  for (std::int64_t id = 0; id < gguf_get_n_kv(source); ++id) {
    const std::string_view key = gguf_get_key(source, id);
    if (key == "general.alignment" || key == "general.quantization_version" || key.starts_with("quantize.") ||
        key.starts_with("split.")) {
      gguf_remove_key(header(), key.data());
    }
  }
}

void GgufWriter::add(const Weights& weights, TensorType type) {
  const TensorType stored = is_vector(weights.shape) ? TensorType::kF32 : type;
  check(weights, stored);
  if (gguf_find_tensor(header(), weights.name.c_str()) >= 0) {
    throw InvalidInput("[GgufWriter] tensor " + weights.name + " is given twice");
  }
  const TensorsHandle context(ggml_init({.mem_size = ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true}));
  const std::vector<std::int64_t> sizes(weights.shape.rbegin(), weights.shape.rend());
  ggml_tensor* const tensor =
      ggml_new_tensor(context.get(), format_of(stored).type, static_cast<int>(sizes.size()), sizes.data());
  ggml_set_name(tensor, weights.name.c_str());
  gguf_add_tensor(header(), tensor);
  tensors_.push_back({weights.values, stored});
}

void GgufWriter::write(const std::string& path, TensorType type, Durability durability) {
  gguf_set_val_u32(header(), "general.file_type", format_of(type).file_type);
  AtomicFile file(path);
  std::string metadata(gguf_get_meta_size(header()), '\0');
  gguf_get_meta_data(header(), metadata.data());
  file.write(metadata);
  for (const auto& [values, stored] : tensors_) {
    const ggml_type format = format_of(stored).type;
    write_values(file, values, format);
    const std::size_t bytes = values.size() * ggml_type_size(format);
    const std::size_t alignment = gguf_get_alignment(header());
    file.write(std::string((alignment - bytes % alignment) % alignment, '\0'));
  }
  file.commit(durability);
}

}  // namespace endorm
