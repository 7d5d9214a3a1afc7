#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/weights/weight_file.h"
#include "judge/safetensors.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"
#include "tests/train/tiny_models.h"
#include "train/export.h"

using namespace endorm;
using nlohmann::json;

namespace {

FileTensors all_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return read_safetensors(file, path, [](std::string_view) { return true; });
}

std::string bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

}  // namespace

// tests/golden/peft_adapter.py: the adapter of engine_tiny_lora.gguf in Hugging Face's order of rows, as PEFT saves it.
TEST_CASE("An exported adapter has the names, bytes and configuration that PEFT itself saves") {
  const TemporaryDirectory folder;
  const json golden = read_golden("peft_adapter.json");
  Decoder decoder = tiny_decoder("llama", {});
  decoder.add_adapters({.rank = 4, .alpha = 6.0}, 0);
  const WeightFile pairs(golden_path("engine_tiny_lora.gguf"));
  torch::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : decoder.adapters()) {
    std::vector<float> values = pairs.values(name);
    REQUIRE(pairs.shape(name) == tensor.sizes().vec());
    torch::Tensor learnt = tensor;
    learnt.copy_(torch::from_blob(values.data(), tensor.sizes()));
  }
  export_peft_adapter(folder.file("adapter"), WeightFile(tiny_model_path("llama")), decoder);

  const FileTensors found = all_of(folder.file("adapter/adapter_model.safetensors"));
  CHECK(found.size() == golden.at("tensors").size());
  for (const auto& [name, expected] : golden.at("tensors").items()) {
    CAPTURE(name);
    REQUIRE(found.count(name) == 1);
    CHECK(json(found.at(name).shape) == expected.at("shape"));
    CHECK(hex(sha256(found.at(name).bytes)) == expected.at("sha256"));
  }
  const json config = json::parse(read_file(folder.file("adapter/adapter_config.json")));
  for (const auto& [key, expected] : golden.at("config").items()) {
    CAPTURE(key);
    CHECK(config.at(key) == expected);
  }
}

TEST_CASE("Only files of the llama architecture keep their rows in another order") {
  for (const std::string name : {"qwen2", "qwen3", "gemma3"}) {
    CAPTURE(name);
    const TemporaryDirectory folder;
    Decoder decoder = tiny_decoder(name, {});
    decoder.add_adapters({.rank = 2}, 1);
    const torch::Tensor up = decoder.adapters().at("blk.1.attn_q.weight.lora_b");
    torch::NoGradGuard no_gradients;
    torch::Tensor(up).normal_();
    export_peft_adapter(folder.file("adapter"), WeightFile(tiny_model_path(name)), decoder);
    const FileTensors found = all_of(folder.file("adapter/adapter_model.safetensors"));
    CHECK(found.size() == decoder.adapters().size());
    CHECK(found.at("base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight").bytes == bytes_of(up));
    CHECK(found.at("base_model.model.model.layers.2.mlp.down_proj.lora_A.weight").bytes ==
          bytes_of(decoder.adapters().at("blk.2.ffn_down.weight.lora_a")));
  }
}

TEST_CASE("The configuration names the matrices that learnt, and the base model where its file does") {
  const TemporaryDirectory folder;
  Decoder decoder = tiny_decoder("llama", {});
  CHECK_THROWS_AS(export_peft_adapter(folder.file("adapter"), WeightFile(tiny_model_path("llama")), decoder),
                  InvalidInput);
  decoder.add_adapters({.rank = 2, .alpha = 5.0, .matrices = {"attn_v", "ffn_up"}}, 1);
  const auto config_for = [&](const WeightFile& like) {
    export_peft_adapter(folder.file("adapter"), like, decoder);
    return json::parse(read_file(folder.file("adapter/adapter_config.json")));
  };
  const WeightFile tiny(tiny_model_path("llama"));
  const json config = config_for(tiny);
  CHECK(config.at("target_modules") == json({"up_proj", "v_proj"}));
  CHECK(config.at("r") == 2);
  CHECK(config.at("lora_alpha") == 5.0);
  const auto name = tiny.text("general.name");
  CHECK(config.at("base_model_name_or_path") == (name ? json(*name) : json(nullptr)));
}

TEST_CASE("A safetensors file is refused before it is written where tensors do not fit, and its data are aligned") {
  const TemporaryDirectory folder;
  const std::vector<float> values = {1.0F, -2.5F, 3.0F, 0.0F};
  const auto written = [&](const std::vector<Weights>& tensors) {
    return message_of<InvalidInput>([&] { write_safetensors(folder.file("a.safetensors"), tensors); });
  };
  CHECK(contains(written({{"a", {2, 3}, values}}), "a has 4 values"));
  CHECK(contains(written({{"a", {4}, values}, {"a", {4}, values}}), "a is given twice"));
  CHECK(!std::filesystem::exists(folder.file("a.safetensors")));
  CHECK(written({{"long name", {2, 2}, values}, {"b", {1}, std::span(values).first(1)}}).empty());
  const std::string bytes = read_file(folder.file("a.safetensors"));
  CHECK((bytes.size() - 20) % 8 == 0);
  const FileTensors found = all_of(folder.file("a.safetensors"));
  CHECK(found.at("long name").shape == std::vector<std::size_t>{2, 2});
  CHECK(found.at("long name").bytes == std::string(reinterpret_cast<const char*>(values.data()), 16));
  CHECK(found.at("b").bytes.size() == 4);
}
