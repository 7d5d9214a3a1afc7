#include "engine/weights/weight_writer.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gguf.h>
#include <llama.h>

#include "core/errors.h"
#include "engine/byte_alphabet.h"
#include "engine/weights/gguf_writer.h"

namespace endorm {
namespace {

using WeightsByName = std::map<std::string_view, const Weights*>;

WeightsByName by_name(std::span<const Weights> weights) {
  WeightsByName found;
  for (const Weights& entry : weights) {
    found[entry.name] = &entry;
  }
  return found;
}

// Ones in front, which GGUF does not keep, are left out.
std::vector<std::int64_t> plain(std::vector<std::int64_t> shape) {
  while (shape.size() > 1 && shape.front() == 1) {
    shape.erase(shape.begin());
  }
  return shape;
}

void check_same_tensors(const WeightFile& like, std::span<const Weights> weights) {
  const WeightsByName given = by_name(weights);
  for (const std::string& name : like.names()) {
    const auto found = given.find(name);
    if (found == given.end()) {
      throw InvalidInput("[write_model] no weights are given for " + name + ", which " + like.path() +
                         " has. Give its own where they did not change.");
    }
    if (plain(found->second->shape) != like.shape(name)) {
      throw InvalidInput("[write_model] " + name + " has another shape than in " + like.path());
    }
  }
  for (const Weights& entry : weights) {
    if (!like.has(entry.name)) {
      throw InvalidInput("[write_model] " + entry.name + " is no tensor of " + like.path());
    }
  }
}

void check_pair(std::string_view base, const WeightsByName& given) {
  const auto refuse = [&](const std::string& fact) {
    throw InvalidInput("[write_lora_adapter] the pair of " + std::string(base) + " " + fact);
  };
  const auto a = given.find(std::string(base) + ".lora_a");
  const auto b = given.find(std::string(base) + ".lora_b");
  if (a == given.end() || b == given.end()) {
    refuse("is not whole: .lora_a and .lora_b are needed");
  }
  const std::vector<std::int64_t>& of_a = a->second->shape;
  const std::vector<std::int64_t>& of_b = b->second->shape;
  if (of_a.size() != 2 || of_b.size() != 2 || of_a[0] != of_b[1]) {
    refuse("does not have the shapes [rank, in] and [out, rank]");
  }
  if (base == "token_embd.weight") {
    refuse("cannot be written: adapters of an embedding have another layout");
  }
}

void add_all(GgufWriter& writer, std::span<const Weights> weights, TensorType type) {
  for (const Weights& entry : weights) {
    writer.add(entry, type);
  }
}

constexpr std::size_t kMostLayers = 512;  // libllama's own limit

constexpr const char* kChatMl =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

void set_architecture(gguf_context* header, const NewModel& model) {
  const auto set = [&](const char* key, std::size_t value) {
    gguf_set_val_u32(header, (model.architecture + "." + key).c_str(), static_cast<std::uint32_t>(value));
  };
  const std::size_t head_width = model.width / model.heads;
  gguf_set_val_str(header, "general.architecture", model.architecture.c_str());
  gguf_set_val_str(header, "general.type", "model");
  set("block_count", model.layers);
  set("context_length", model.context);
  set("embedding_length", model.width);
  set("feed_forward_length", model.feed_forward);
  set("attention.head_count", model.heads);
  set("attention.head_count_kv", model.kv_heads);
  set("attention.key_length", head_width);
  set("attention.value_length", head_width);
  set("rope.dimension_count", head_width);
  set("vocab_size", kNewModelVocabulary);
  gguf_set_val_f32(header, (model.architecture + ".rope.freq_base").c_str(), static_cast<float>(model.rope_base));
  gguf_set_val_f32(header, (model.architecture + ".attention.layer_norm_rms_epsilon").c_str(),
                   static_cast<float>(model.norm_epsilon));
}

void set_vocabulary(gguf_context* header) {
  const auto alphabet = byte_level_alphabet();
  std::vector<const char*> tokens;
  tokens.reserve(kNewModelVocabulary);
  for (const std::string& spelling : alphabet) {
    tokens.push_back(spelling.c_str());
  }
  std::vector<std::int32_t> kinds(tokens.size(), LLAMA_TOKEN_TYPE_NORMAL);
  for (const char* const special : {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}) {
    tokens.push_back(special);
    kinds.push_back(LLAMA_TOKEN_TYPE_CONTROL);
  }
  gguf_set_val_str(header, "tokenizer.ggml.model", "gpt2");
  gguf_set_val_str(header, "tokenizer.ggml.pre", "gpt-2");
  gguf_set_arr_str(header, "tokenizer.ggml.tokens", tokens.data(), tokens.size());
  gguf_set_arr_data(header, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, kinds.data(), kinds.size());
  gguf_set_arr_str(header, "tokenizer.ggml.merges", nullptr, 0);  // must be there, may be empty
  gguf_set_val_u32(header, "tokenizer.ggml.bos_token_id", kTextEndsToken);
  gguf_set_val_u32(header, "tokenizer.ggml.eos_token_id", kTurnEndsToken);
  gguf_set_val_u32(header, "tokenizer.ggml.padding_token_id", kTextEndsToken);
  gguf_set_val_bool(header, "tokenizer.ggml.add_bos_token", false);
  gguf_set_val_str(header, "tokenizer.chat_template", kChatMl);
}

}  // namespace

void write_model(const std::string& path, const WeightFile& like, std::span<const Weights> weights, TensorType type,
                 Durability durability) {
  check_same_tensors(like, weights);
  GgufWriter writer;
  writer.copy_metadata(like);
  add_all(writer, weights, type);
  writer.write(path, type, durability);
}

void write_new_model(const std::string& path, const NewModel& model, std::span<const Weights> weights,
                     TensorType type) {
  GgufWriter writer;
  set_new_model_metadata(writer.header(), model);
  const WeightsByName given = by_name(weights);
  const auto embedding = given.find("token_embd.weight");
  const std::vector<std::int64_t> expected = {static_cast<std::int64_t>(kNewModelVocabulary),
                                              static_cast<std::int64_t>(model.width)};
  if (embedding == given.end() || embedding->second->shape != expected) {
    throw InvalidInput("[write_new_model] token_embd.weight must be given, and be [" +
                       std::to_string(kNewModelVocabulary) + "," + std::to_string(model.width) + "]");
  }
  add_all(writer, weights, type);
  writer.write(path, type);
}

void write_lora_adapter(const std::string& path, const std::string& architecture, float alpha,
                        std::span<const Weights> weights) {
  if (!std::isfinite(alpha) || alpha <= 0) {  // to llama.cpp 0 means that nothing is scaled
    throw InvalidInput("[write_lora_adapter] alpha is " + std::to_string(alpha) + "; give one above 0");
  }
  if (weights.empty()) {
    throw InvalidInput("[write_lora_adapter] no weights are given");
  }
  const WeightsByName given = by_name(weights);
  for (const auto& [name, entry] : given) {
    if (!name.ends_with(".lora_a") && !name.ends_with(".lora_b")) {
      throw InvalidInput("[write_lora_adapter] " + entry->name + " ends neither in .lora_a nor in .lora_b");
    }
    check_pair(name.substr(0, name.rfind('.')), given);
  }
  GgufWriter writer;
  gguf_set_val_str(writer.header(), "general.type", "adapter");
  gguf_set_val_str(writer.header(), "general.architecture", architecture.c_str());
  gguf_set_val_str(writer.header(), "adapter.type", "lora");
  gguf_set_val_f32(writer.header(), "adapter.lora.alpha", alpha);
  add_all(writer, weights, TensorType::kF32);
  writer.write(path, TensorType::kF32);
}

void check_new_model(const NewModel& model) {
  const auto require = [](bool holds, const std::string& fact) {
    if (!holds) {
      throw InvalidInput("[write_new_model] " + fact);
    }
  };
  require(model.architecture == "llama" || model.architecture == "qwen2" || model.architecture == "qwen3",
          "architecture \"" + model.architecture + "\" is not one of llama, qwen2, qwen3");
  require(model.layers > 0 && model.layers <= kMostLayers,
          std::to_string(model.layers) + " layers are not 1 to " + std::to_string(kMostLayers));
  constexpr std::size_t kLargest = std::numeric_limits<std::int32_t>::max();
  for (const auto& [name, size] : {std::pair<const char*, std::size_t>{"width", model.width},
                                   {"heads", model.heads},
                                   {"kv_heads", model.kv_heads},
                                   {"feed_forward", model.feed_forward},
                                   {"context", model.context}}) {
    require(size > 0 && size <= kLargest, std::string(name) + " is " + std::to_string(size));
  }
  require(model.width % (2 * model.heads) == 0, "width " + std::to_string(model.width) +
                                                    " is no even number for each of " + std::to_string(model.heads) +
                                                    " heads");
  require(model.heads % model.kv_heads == 0,
          std::to_string(model.kv_heads) + " kv_heads do not divide " + std::to_string(model.heads) + " heads");
  require(std::isfinite(model.rope_base) && model.rope_base > 1, "rope_base is " + std::to_string(model.rope_base));
  require(std::isfinite(model.norm_epsilon) && model.norm_epsilon > 0,
          "norm_epsilon is " + std::to_string(model.norm_epsilon));
}

void set_new_model_metadata(gguf_context* header, const NewModel& model) {
  check_new_model(model);
  set_architecture(header, model);
  set_vocabulary(header);
}

}  // namespace endorm
