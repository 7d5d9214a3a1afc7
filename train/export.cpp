#include "train/export.h"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/atomic_file.h"
#include "engine/weights/weight_file.h"
#include "train/decoder.h"
#include "train/decoder_weights.h"
#include "train/training_options.h"

namespace endorm {
namespace {

NamedTensors adapters_of(const Decoder& decoder, const std::string& function) {
  if (!decoder.lora()) {
    throw InvalidInput("[" + function + "] this decoder has no adapters");
  }
  return on_processor(decoder.adapters());
}

struct Module {
  const char* name;    // of the matrix to PEFT
  const char* parent;  // that it is part of
};
const std::map<std::string_view, Module> kModules = {  // by GGUF's name
    {"attn_q", {"q_proj", "self_attn"}},      {"attn_k", {"k_proj", "self_attn"}}, {"attn_v", {"v_proj", "self_attn"}},
    {"attn_output", {"o_proj", "self_attn"}}, {"ffn_gate", {"gate_proj", "mlp"}},  {"ffn_up", {"up_proj", "mlp"}},
    {"ffn_down", {"down_proj", "mlp"}}};

// Rows of queries or keys, [out,rank]: llama.cpp has the two numbers that turn together side by side, Hugging Face half
// a head apart.
torch::Tensor halves_of_pairs(const torch::Tensor& rows, std::size_t head_width) {
  const auto pairs = static_cast<std::int64_t>(head_width / 2);
  return rows.unflatten(0, {-1, pairs, 2}).transpose(1, 2).flatten(0, 2).contiguous();
}

std::optional<std::string> base_model_of(const WeightFile& file) {
  constexpr std::string_view kHub = "https://huggingface.co/";
  if (const auto page = file.text("general.source.repo_url"); page && page->starts_with(kHub)) {
    return page->substr(kHub.size());
  }
  if (auto repository = file.text("general.source.huggingface.repository")) {
    return repository;
  }
  return file.text("general.name");
}

std::string config_of(const WeightFile& like, const LoraOptions& lora) {
  const std::optional<std::string> base = base_model_of(like);
  std::set<std::string> modules;
  for (const std::string& matrix : lora.matrices) {
    modules.insert(kModules.at(matrix).name);
  }
  return nlohmann::ordered_json{{"peft_type", "LORA"},
                                {"task_type", "CAUSAL_LM"},
                                {"base_model_name_or_path", base ? nlohmann::ordered_json(*base) : nullptr},
                                {"r", lora.rank},
                                {"lora_alpha", lora.alpha},
                                {"lora_dropout", 0.0},
                                {"target_modules", modules},
                                {"bias", "none"},
                                {"fan_in_fan_out", false},
                                {"use_rslora", false},
                                {"inference_mode", true}}
             .dump(2) +
         "\n";
}

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

void export_model(const std::string& path, const WeightFile& like, const Decoder& decoder, TensorType type,
                  Durability durability) {
  const NamedTensors weights = on_processor(decoder.merged_weights());
  write_model(path, like, views_of(weights), type, durability);
}

void export_adapter(const std::string& path, const WeightFile& like, const Decoder& decoder) {
  const NamedTensors adapters = adapters_of(decoder, "export_adapter");
  write_lora_adapter(path, like.architecture(), static_cast<float>(decoder.lora()->alpha), views_of(adapters));
}

void export_peft_adapter(const std::string& directory, const WeightFile& like, const Decoder& decoder) {
  const NamedTensors adapters = adapters_of(decoder, "export_peft_adapter");
  NamedTensors renamed;
  for (const std::string& matrix : decoder.lora()->matrices) {
    const auto found = kModules.find(matrix);
    if (found == kModules.end()) {
      throw InvalidInput("[export_peft_adapter] PEFT has no name for " + matrix);
    }
    const auto& [name, parent] = found->second;
    const bool turns = decoder.shape().neighbour_pairs() && (matrix == "attn_q" || matrix == "attn_k");
    for (std::size_t layer = 0; layer < decoder.shape().layers; ++layer) {
      const std::string number = std::to_string(layer);
      std::string own = "blk.";
      own.append(number).append(".").append(matrix).append(".weight.lora_");
      std::string theirs = "base_model.model.model.layers.";
      theirs.append(number).append(".").append(parent).append(".").append(name).append(".lora_");
      const torch::Tensor& up = adapters.at(own + "b");
      renamed[theirs + "A.weight"] = adapters.at(own + "a");
      renamed[theirs + "B.weight"] = turns ? halves_of_pairs(up, decoder.shape().head_width) : up;
    }
  }
  make_run_directory(directory);
  const std::filesystem::path folder(directory);
  write_safetensors((folder / "adapter_model.safetensors").string(), views_of(renamed));
  AtomicFile config((folder / "adapter_config.json").string());
  config.write(config_of(like, *decoder.lora()));
  config.commit();
}

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
