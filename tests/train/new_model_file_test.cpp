#include "train/new_model_file.h"

#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/weight_file.h"
#include "tests/temporary_directory.h"

using namespace endorm;

namespace {

const std::string kSmall = R"(layers = 2
width = 16
heads = 4
kv_heads = 2
feed_forward = 24
context = 64
)";

NewModelFile read(const std::string& text) {
  const TemporaryDirectory folder;
  write_file(folder.file("small.toml"), text);
  return read_new_model_file(folder.file("small.toml"));
}

std::string refusal(const std::string& text) {
  return message_of<InvalidInput>([&] { read(text); });
}

std::string without(const std::string& line) {
  std::string text = kSmall;
  return text.erase(text.find(line), line.size() + 1);
}

}  // namespace

TEST_CASE("A description of a new model says its sizes; what it leaves out has its standard") {
  const NewModelFile plain = read(kSmall);
  CHECK(plain.model.architecture == "llama");
  CHECK(plain.model.layers == 2);
  CHECK(plain.model.width == 16);
  CHECK(plain.model.heads == 4);
  CHECK(plain.model.kv_heads == 2);
  CHECK(plain.model.feed_forward == 24);
  CHECK(plain.model.context == 64);
  CHECK(plain.model.rope_base == NewModel{}.rope_base);
  CHECK(plain.model.norm_epsilon == NewModel{}.norm_epsilon);
  CHECK(plain.seed == 0);
  const NewModelFile full =
      read(kSmall + "architecture = \"qwen3\"\nrope_base = 500\nnorm_epsilon = 1e-6\nseed = 9000000000\n");
  CHECK(full.model.architecture == "qwen3");
  CHECK(full.model.rope_base == 500.0);
  CHECK(full.model.norm_epsilon == 1e-6);
  CHECK(full.seed == 9000000000);
}

TEST_CASE("What is wrong in a description is said with its file, its line and its key") {
  for (const std::string line :
       {"layers = 2", "width = 16", "heads = 4", "kv_heads = 2", "feed_forward = 24", "context = 64"}) {
    CAPTURE(line);
    const std::string key = line.substr(0, line.find(' '));
    CHECK(contains(refusal(without(line)), "small.toml"));
    CHECK(contains(refusal(without(line)), ": " + key + " must be given"));
    CHECK(contains(refusal(without(line) + key + " = 0\n"), "line 6: " + key + " must be given"));
    CHECK(contains(refusal(without(line) + key + " = \"2\"\n"), "line 6: " + key + " is '2', expected a whole number"));
    CHECK(contains(refusal(without(line) + key + " = -1\n"), "is -1, expected a whole number"));
    CHECK(contains(refusal(without(line) + key + " = 1.5\n"), "is 1.5, expected a whole number"));
  }
  CHECK(contains(refusal(kSmall + "layer = 3\n"), "small.toml, line 7: layer is no key; did you mean layers?"));
  CHECK(contains(refusal(kSmall + "architecture = \"gemma3\"\n"),
                 "line 7: architecture is 'gemma3', expected one of llama, qwen2, qwen3"));
  CHECK(contains(refusal(kSmall + "rope_base = \"big\"\n"), "rope_base is 'big', expected a number above 1"));
  CHECK(contains(refusal(kSmall + "rope_base = 0.5\n"), "rope_base is 0.5"));
  CHECK(contains(refusal(kSmall + "norm_epsilon = 0\n"), "norm_epsilon is 0"));
  CHECK(contains(refusal(kSmall + "seed = -1\n"), "seed is -1, expected a whole number"));
  CHECK(contains(refusal(kSmall + "[seed]\n"), "seed is a table or a list, expected a whole number"));
  CHECK(contains(refusal(kSmall + "layers = 3\n"), "small.toml, line 7"));
  CHECK(contains(refusal(without("heads = 4") + "heads = 3\n"), "small.toml: "));
  CHECK(contains(refusal(without("heads = 4") + "heads = 3\n"), "width 16 is no even number for each of 3 heads"));
  CHECK(contains(refusal(without("kv_heads = 2") + "kv_heads = 3\n"), "3 kv_heads do not divide 4 heads"));
  CHECK(contains(refusal(without("width = 16") + "width = 2000000000\n"), "thousand million weights"));
  CHECK(contains(refusal(without("layers = 2") + "layers = 1000\n"), "1000 layers"));
  CHECK(contains(message_of<InvalidInput>([] { read_new_model_file("/does/not/exist.toml"); }), "exist.toml"));
}

TEST_CASE("A start model of each architecture is what its description says, and its seed makes its bytes") {
  for (const std::string architecture : {"llama", "qwen2", "qwen3"}) {
    CAPTURE(architecture);
    const TemporaryDirectory folder;
    NewModelFile description = read(kSmall + "architecture = \"" + architecture + "\"\nseed = 3\n");
    const std::string path = write_start_model(description, folder.file("deep/run"));
    CHECK(path == folder.file("deep/run/start.gguf"));
    const std::string bytes = read_file(path);
    const WeightFile file(path);
    CHECK(file.architecture() == architecture);
    CHECK(file.integer(architecture + ".block_count") == 2);
    CHECK(file.shape("blk.1.attn_k.weight") == std::vector<std::int64_t>{8, 16});
    CHECK(file.has("blk.0.attn_q_norm.weight") == (architecture == "qwen3"));
    LlamaEngineOptions options;
    options.model_path = path;
    CHECK(make_llama_engine(options)->model_info().vocabulary == kNewModelVocabulary);
    CHECK(read_file(write_start_model(description, folder.file("again"))) == bytes);
    description.seed = 4;
    CHECK(read_file(write_start_model(description, folder.file("deep/run"))) != bytes);
  }
}

TEST_CASE("A start model stays where a run has a checkpoint, and a file is no directory") {
  const TemporaryDirectory folder;
  const NewModelFile description = read(kSmall);
  std::filesystem::create_directories(folder.file("run"));
  write_file(folder.file("run/checkpoint"), "steps");
  const std::string path = write_start_model(description, folder.file("run"));
  CHECK(std::filesystem::file_size(path) > 0);
  write_file(path, "that of the run");
  write_start_model(description, folder.file("run"));
  CHECK(read_file(path) == "that of the run");
  CHECK(contains(message_of<InvalidInput>([&] { write_start_model(description, path); }), "cannot be a directory"));
}
