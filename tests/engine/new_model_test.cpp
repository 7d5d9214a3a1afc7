#include <cmath>
#include <limits>
#include <map>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/weight_writer.h"
#include "tests/engine/sequences.h"
#include "tests/temporary_directory.h"

// Models from nothing: they load, speak bytes, and end their turn.
namespace endorm {
namespace {

constexpr std::uint64_t kSeed = 20261127;

NewModel small(const std::string& architecture) {
  NewModel model;
  model.architecture = architecture;
  model.layers = 2;
  model.width = 64;
  model.heads = 4;
  model.kv_heads = 2;
  model.feed_forward = 96;
  model.context = 256;
  return model;
}

// Every tensor of a model, random.
struct RandomWeights {
  RandomWeights(const NewModel& model, RandomStream& random) {
    const auto width = static_cast<std::int64_t>(model.width);
    const auto head = width / static_cast<std::int64_t>(model.heads);
    const auto kv_width = head * static_cast<std::int64_t>(model.kv_heads);
    const auto inner = static_cast<std::int64_t>(model.feed_forward);
    const auto vocabulary = static_cast<std::int64_t>(kNewModelVocabulary);
    shapes = {{"token_embd.weight", {vocabulary, width}},
              {"output.weight", {vocabulary, width}},
              {"output_norm.weight", {width}}};
    for (std::size_t layer = 0; layer < model.layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      shapes[block + "attn_norm.weight"] = {width};
      shapes[block + "ffn_norm.weight"] = {width};
      shapes[block + "attn_q.weight"] = {width, width};
      shapes[block + "attn_k.weight"] = {kv_width, width};
      shapes[block + "attn_v.weight"] = {kv_width, width};
      shapes[block + "attn_output.weight"] = {width, width};
      shapes[block + "ffn_gate.weight"] = {inner, width};
      shapes[block + "ffn_up.weight"] = {inner, width};
      shapes[block + "ffn_down.weight"] = {width, inner};
      if (model.architecture == "qwen2") {
        shapes[block + "attn_q.bias"] = {width};
        shapes[block + "attn_k.bias"] = {kv_width};
        shapes[block + "attn_v.bias"] = {kv_width};
      }
      if (model.architecture == "qwen3") {
        shapes[block + "attn_q_norm.weight"] = {head};
        shapes[block + "attn_k_norm.weight"] = {head};
      }
    }
    for (const auto& [name, shape] : shapes) {
      std::vector<float>& tensor = values[name];
      tensor.resize(static_cast<std::size_t>(shape.size() == 1 ? shape[0] : shape[0] * shape[1]));
      for (float& value : tensor) {
        value = name.find("norm") != std::string::npos ? 1.0F : static_cast<float>(0.1 * random.normal());
      }
    }
  }

  std::vector<Weights> all() const {
    std::vector<Weights> weights;
    for (const auto& [name, shape] : shapes) {
      weights.push_back({name, shape, values.at(name)});
    }
    return weights;
  }

  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::map<std::string, std::vector<float>> values;
};

std::unique_ptr<LlamaEngine> load(const std::string& path) {
  LlamaEngineOptions options;
  options.model_path = path;
  options.cache_type = CacheType::kF32;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  return make_llama_engine(options);
}

Tokens byte_tokens(std::string_view text) {
  Tokens tokens;
  for (const char byte : text) {
    tokens.push_back(static_cast<unsigned char>(byte));
  }
  return tokens;
}

Tokens joined(const std::vector<Tokens>& parts) {
  Tokens all;
  for (const Tokens& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST_CASE("a new model of every architecture loads, computes, and has one token a byte") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (const char* architecture : {"llama", "qwen2", "qwen3"}) {
    for (const TensorType type : {TensorType::kF32, TensorType::kBf16}) {
      CAPTURE(architecture);
      const NewModel model = small(architecture);
      write_new_model(path, model, RandomWeights(model, random).all(), type);
      const auto engine = load(path);
      const LlamaModelInfo& info = engine->model_info();
      CHECK(info.architecture == architecture);
      CHECK(info.vocabulary == kNewModelVocabulary);
      CHECK(info.padding_columns == 0);
      CHECK(info.trained_context == 256);
      CHECK(info.has_chat_template);
      CHECK(!info.adds_bos);
      for (int byte = 0; byte < 256; ++byte) {
        CAPTURE(byte);
        CHECK(engine->token_bytes(byte) == std::string(1, static_cast<char>(byte)));
      }
      CHECK(engine->token_bytes(kTurnBeginsToken) == "<|im_start|>");
      CHECK(engine->token_bytes(kTurnEndsToken) == "<|im_end|>");
      CHECK(engine->token_bytes(kTextEndsToken) == "<|endoftext|>");
      const Sequence sequence{byte_tokens("12+"), byte_tokens("34")};
      const SequenceStats found = evaluate_together(*engine, std::span(&sequence, 1));
      for (const TokenStats& stats : found.front()) {
        CHECK(std::isfinite(log_prob(stats)));
        CHECK(log_prob(stats) < 0);
      }
    }
  }
}

TEST_CASE("the template of a new model is ChatML, and text is its bytes") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const NewModel model = small("llama");
  write_new_model(path, model, RandomWeights(model, random).all(), TensorType::kF32);
  const auto engine = load(path);
  const std::vector<Message> messages = {{"system", "Add."}, {"user", "12+34"}};
  const Tokens prompt = joined({{kTurnBeginsToken},
                                byte_tokens("system\nAdd."),
                                {kTurnEndsToken},
                                byte_tokens("\n"),
                                {kTurnBeginsToken},
                                byte_tokens("user\n12+34"),
                                {kTurnEndsToken},
                                byte_tokens("\n"),
                                {kTurnBeginsToken},
                                byte_tokens("assistant\n")});
  CHECK(engine->open_turn(messages) == prompt);

  std::vector<ResponseText> responses = {{"12+34", false}, {"  \t\n\n 7\r\n", false}, {"a<|im_end|>b", false}};
  for (int i = 0; i < 50; ++i) {  // characters of one to four bytes
    std::string text;
    for (std::size_t length = 1 + random.below(30); length > 0; --length) {
      const std::string characters[] = {std::string(1, static_cast<char>(1 + random.below(127))), "\xC3\xBC",
                                        "\xE4\xB8\xAD", "\xF0\x9F\x98\x80", " "};
      text += characters[random.below(5)];
    }
    responses.push_back({text, false});
  }
  const std::vector<TokenizedResponse> found = engine->tokenize(messages, responses, {});
  REQUIRE(found.size() == responses.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(responses[i].text);
    CHECK(found[i].prompt == prompt);
    CHECK(found[i].response == joined({byte_tokens(responses[i].text), {kTurnEndsToken}}));
    CHECK(found[i].finish == Finish::kEndOfTurn);
    CHECK(!found[i].boundary_split);
  }
}

TEST_CASE("a new model ends its turn") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("model.gguf");
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const NewModel model = small("llama");
  RandomWeights weights(model, random);
  // Layers add nothing, so that a token's own embedding chooses the next: newline, H, i, end of turn.
  for (auto& [name, values] : weights.values) {
    if (name.find("attn_output") != std::string::npos || name.find("ffn_down") != std::string::npos ||
        name == "output.weight") {
      std::fill(values.begin(), values.end(), 0.0F);
    }
  }
  const auto follow = [&](Token token, Token next) {
    const auto row = [&](Token of) {
      return static_cast<std::ptrdiff_t>(of) * static_cast<std::ptrdiff_t>(model.width);
    };
    const auto embedding = weights.values["token_embd.weight"].begin() + row(token);
    std::copy_n(embedding, model.width, weights.values["output.weight"].begin() + row(next));
  };
  follow('\n', 'H');
  follow('H', 'i');
  follow('i', kTurnEndsToken);
  write_new_model(path, model, weights.all(), TensorType::kF32);
  const auto engine = load(path);
  const std::vector<Message> messages = {{"user", "hello"}};
  const GenerationRequest request{engine->open_turn(messages), 1};
  const std::vector<Completion> completions = engine->generate(std::span(&request, 1), {20, 0.0, 1.0, {}});
  CHECK(completions[0].text == "Hi");
  CHECK(completions[0].tokens == byte_tokens("Hi"));
  CHECK(completions[0].end == CompletionEnd::kEndOfTurn);
}

TEST_CASE("sizes that make no model are refused in words") {
  const TemporaryDirectory directory;
  RandomStream random(kSeed);
  const NewModel good = small("llama");
  const RandomWeights weights(good, random);
  const auto refusal = [&](const auto& change) {
    NewModel model = good;
    change(model);
    return message_of<InvalidInput>(
        [&] { write_new_model(directory.file("model.gguf"), model, weights.all(), TensorType::kF32); });
  };
  CHECK(refusal([](NewModel&) {}).empty());
  CHECK(contains(refusal([](NewModel& model) { model.architecture = "mamba"; }), "\"mamba\""));
  CHECK(contains(refusal([](NewModel& model) { model.layers = 0; }), "0 layers"));
  CHECK(contains(refusal([](NewModel& model) { model.layers = 513; }), "513 layers"));
  CHECK(contains(refusal([](NewModel& model) { model.heads = 0; }), "heads is 0"));
  CHECK(contains(refusal([](NewModel& model) { model.context = std::size_t{1} << 40; }), "context is"));
  CHECK(contains(refusal([](NewModel& model) { model.heads = 64; }), "no even number"));
  CHECK(contains(refusal([](NewModel& model) { model.kv_heads = 3; }), "do not divide"));
  CHECK(contains(refusal([](NewModel& model) { model.rope_base = std::nan(""); }), "rope_base"));
  CHECK(contains(refusal([](NewModel& model) { model.norm_epsilon = 0; }), "norm_epsilon"));
  CHECK(contains(refusal([](NewModel& model) { model.width = 128; }), "token_embd.weight"));
}

}  // namespace
}  // namespace endorm
