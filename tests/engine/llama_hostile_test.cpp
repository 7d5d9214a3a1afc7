#include <cstring>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"

// Files that are no models, damaged models, and requests that a model cannot serve: each is refused in words, and the
// process lives on.
namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 62325;

LlamaEngineOptions raw_options(const std::string& path) {
  LlamaEngineOptions options;
  options.model_path = path;
  options.template_source = TemplateSource::kRaw;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  return options;
}

template <typename Expected>
void check_refused(const std::string& path, const std::string& part) {
  const std::string message = message_of<Expected>([&] { make_llama_engine(raw_options(path)); });
  CAPTURE(message);
  CHECK(contains(message, path));  // "" where nothing was thrown
  CHECK(contains(message, part));
}

enum class Outcome { kUsable, kRefused };

// Loads and uses what may be damaged. Anything but one of our errors fails the test.
Outcome load_and_use(const LlamaEngineOptions& options) {
  try {
    const auto engine = make_llama_engine(options);
    const Sequence sequence{{0, 5, 6}, {7, 8}};
    evaluate_together(*engine, std::span(&sequence, 1));
    return Outcome::kUsable;
  } catch (const InvalidInput& error) {
    CHECK(!std::string(error.what()).empty());
  } catch (const EngineError& error) {
    CHECK(!std::string(error.what()).empty());
  } catch (const std::exception& error) {
    FAIL_CHECK("an error that is not ours: ", error.what());
  }
  return Outcome::kRefused;
}

// Bytes before the tensors' data.
std::size_t header_size(const std::string& model, const std::string& last_tensor) {
  const std::size_t name = model.rfind(last_tensor, 16384);
  REQUIRE(name != std::string::npos);
  return name + last_tensor.size();
}

// The value of a key, a 32-bit number, replaced in the bytes of a GGUF file.
template <typename Number>
std::string with_value(std::string model, const std::string& key, Number value) {
  static_assert(sizeof value == 4);
  const std::size_t place = model.find(key);
  REQUIRE(place != std::string::npos);
  constexpr std::size_t kTypeBytes = 4;
  std::memcpy(model.data() + place + key.size() + kTypeBytes, &value, sizeof value);
  return model;
}

TEST_CASE("what is no model is refused with its path") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("model.gguf");
  check_refused<InvalidInput>(file, "does not exist");
  check_refused<InvalidInput>(directory.file(""), "is a directory");
  write_file(file, "");
  check_refused<InvalidInput>(file, "shorter than 4 bytes");
  write_file(file, "Once upon a time there was a language model.\n");
  check_refused<InvalidInput>(file, "not a GGUF file");
  write_file(file, "GGUF");
  check_refused<EngineError>(file, "damaged");
  check_refused<EngineError>(golden_path("engine_tiny_lora.gguf"), "does not load");
}

TEST_CASE("a truncated model is refused, wherever it ends") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("model.gguf");
  const std::string model = read_file(tiny_model_path("llama"));
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int i = 0; i < 10; ++i) {
    const std::size_t size = 4 + random.below(model.size() - 4);
    CAPTURE(size);
    write_file(file, model.substr(0, size));
    check_refused<EngineError>(file, "");
  }
  write_file(file, model.substr(0, model.size() - 1));
  check_refused<EngineError>(file, "");
}

// One byte of the header is wrong at a time; most such files do not load.
void check_survives_wrong_bytes(const std::string& good, std::size_t header, const std::string& file,
                                const LlamaEngineOptions& options) {
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t place = random.below(header);
    CAPTURE(place);
    std::string damaged = good;
    damaged[place] = static_cast<char>(damaged[place] ^ static_cast<char>(1 + random.below(255)));
    write_file(file, damaged);
    refused += load_and_use(options) == Outcome::kRefused;
  }
  MESSAGE(refused, " of 100 refused");
  CHECK(refused > 0);
  write_file(file, good);
  CHECK(load_and_use(options) == Outcome::kUsable);
}

TEST_CASE("a model with a wrong byte in its header works or is refused") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("model.gguf");
  for (const char* name : {"llama", "mamba"}) {
    const std::string model = read_file(tiny_model_path(name));
    check_survives_wrong_bytes(model, header_size(model, "output_norm.weight"), file, raw_options(file));
  }
}

TEST_CASE("an adapter with a wrong byte in its header works or is refused") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("adapter.gguf");
  const std::string adapter = read_file(golden_path("engine_tiny_lora.gguf"));
  LlamaEngineOptions options = raw_options(tiny_model_path("llama"));
  options.adapters = {{file, 1.0F}};
  check_survives_wrong_bytes(adapter, header_size(adapter, ".lora_b"), file, options);
}

TEST_CASE("headers that libllama would end the process on are refused in words") {
  const TemporaryDirectory directory;
  const std::string file = directory.file("model.gguf");
  const std::string model = read_file(tiny_model_path("llama"));
  for (const std::uint32_t blocks : {0U, 513U, 0xFFFFFFFFU}) {
    write_file(file, with_value(model, "llama.block_count", blocks));
    check_refused<EngineError>(file, "block_count is " + std::to_string(blocks));
  }
  write_file(file, with_value(model, "llama.attention.layer_norm_rms_epsilon", -1e-5F));
  check_refused<EngineError>(file, "layer_norm_rms_epsilon");
  const std::string experts = read_file(tiny_model_path("qwen2moe"));
  for (const std::uint32_t used : {0U, 5U}) {  // of 4
    write_file(file, with_value(experts, "qwen2moe.expert_used_count", used));
    check_refused<EngineError>(file, "expert_used_count is " + std::to_string(used));
  }
  write_file(file, with_value(experts, "qwen2moe.expert_count", 4096U));
  check_refused<EngineError>(file, "expert_count is 4096");
  // A token of one byte beside another: their texts are told apart by that byte alone.
  std::string twice = model;
  const std::size_t place = twice.find(std::string("\1\0\0\0\0\0\0\0a\1\0\0\0\0\0\0\0b", 18));
  REQUIRE(place != std::string::npos);
  twice[place + 8] = 'b';
  write_file(file, twice);
  check_refused<EngineError>(file, "stands in the vocabulary twice");
}

TEST_CASE("adapters that do not fit are refused") {
  LlamaEngineOptions options = raw_options(tiny_model_path("qwen2"));
  options.adapters = {{golden_path("engine_tiny_lora.gguf"), 1.0F}};
  CHECK(contains(message_of<EngineError>([&] { make_llama_engine(options); }), "engine_tiny_lora.gguf"));
  options.adapters = {{tiny_model_path("llama"), 1.0F}};
  CHECK(contains(message_of<EngineError>([&] { make_llama_engine(options); }), "engine_tiny_llama.gguf"));
  options.adapters = {{"/no/such/adapter.gguf", 1.0F}};
  CHECK(contains(message_of<InvalidInput>([&] { make_llama_engine(options); }), "/no/such/adapter.gguf"));
}

TEST_CASE("a model without a chat template says what to give instead") {
  LlamaEngineOptions options = raw_options(tiny_model_path("mamba"));
  options.template_source = TemplateSource::kModel;
  const std::string message = message_of<InvalidInput>([&] {
    const Message question{"user", "Why?"};
    const ResponseText answer{"Because.", false};
    make_llama_engine(options)->tokenize(std::span(&question, 1), std::span(&answer, 1), {});
  });
  CAPTURE(message);
  CHECK(contains(message, "engine_tiny_mamba.gguf"));
  CHECK(contains(message, "--template plain"));
  CHECK(contains(message, "--template raw"));
}

TEST_CASE("a path beyond the context is refused, one that fills it is not") {
  LlamaEngineOptions options = raw_options(tiny_model_path("llama"));
  const auto evaluate = [&](Engine& engine, std::size_t tokens) {
    const Sequence sequence{{0}, Tokens(tokens - 1, 7)};
    return evaluate_together(engine, std::span(&sequence, 1)).front().size();
  };
  const auto own = make_llama_engine(options);
  REQUIRE(own->capabilities().context == 512);
  CHECK(evaluate(*own, 512) == 511);
  CHECK(contains(message_of<InvalidInput>([&] { evaluate(*own, 513); }), "512"));
  options.context = 20;
  const auto shorter = make_llama_engine(options);
  CHECK(evaluate(*shorter, 20) == 19);
  CHECK(contains(message_of<InvalidInput>([&] { evaluate(*shorter, 21); }), "20"));
  options.context = 513;
  CHECK(contains(message_of<InvalidInput>([&] { make_llama_engine(options); }), "512"));
}

TEST_CASE("tokens outside the vocabulary are refused, padding columns among them, and the engine works on") {
  const auto engine = make_llama_engine(raw_options(tiny_model_path("qwen2")));
  const Sequence good{{0, 5}, {6, 319}};
  const SequenceStats before = evaluate_together(*engine, std::span(&good, 1));
  for (const Token token : {-1, 320, 327, 328, 1 << 30}) {
    const Sequence in_continuation{{0, 5}, {6, token}};
    const Sequence in_prefix{{token}, {6}};
    for (const Sequence& sequence : {in_continuation, in_prefix}) {
      const std::string message =
          message_of<InvalidInput>([&] { evaluate_together(*engine, std::span(&sequence, 1)); });
      CHECK(contains(message, std::to_string(token)));
      CHECK(contains(message, "320"));
    }
  }
  CHECK(worst_log_prob_difference(evaluate_together(*engine, std::span(&good, 1)), before) <= 1e-6);
}

}  // namespace
}  // namespace endorm
