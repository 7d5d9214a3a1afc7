#include "engine/weights/weight_writer.h"

#include <cmath>
#include <map>
#include <string_view>

#include <gguf.h>

#include "core/errors.h"
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

}  // namespace endorm
