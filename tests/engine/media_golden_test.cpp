#include <filesystem>
#include <fstream>
#include <map>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/read_whole_file.h"
#include "tests/engine/golden_sequences.h"

// Tiny vision-language models of four families against transformers: tests/golden/vision_models.py.
namespace endorm {
namespace {

using nlohmann::json;

// Nat a token. The golden numbers have what ggml computes in half precision, GELU among it; with exact products GELU is
// ours, in f32, which is 0.0009 away in Gemma 3.
constexpr double kTolerance = 1e-3;
constexpr double kExactTolerance = 1.5e-3;

std::shared_ptr<const Medium> golden_picture(const std::string& name) {
  return make_medium(read_whole_file("test", golden_path(name)));
}

std::vector<Message> golden_messages(const json& conversation) {
  std::vector<Message> messages;
  for (const json& turn : conversation.at("messages")) {
    Message message{turn.at("role").get<std::string>(), ""};
    for (const json& part : turn.at("content")) {
      if (part.at("type") == "text") {
        message.content += part.at("text").get<std::string>();
      } else {
        const std::string name = part.at("path").get<std::string>();
        message.media.push_back({message.content.size(), name, golden_picture(name)});
      }
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

LlamaEngineOptions golden_options(const json& family) {
  LlamaEngineOptions options;
  options.model_path = golden_path(family.at("model").get<std::string>());
  options.projector_path = golden_path(family.at("projector").get<std::string>());
  options.cache_type = CacheType::kF32;
  options.f32_products = true;
  options.flash_attention = false;  // ggml's keeps half-precision sums
  return options;
}

// With what stands for an image's places in the tokens of transformers.
Tokens as_transformers(const Tokens& tokens, Token image_token) {
  Tokens told;
  for (const Token token : tokens) {
    told.push_back(is_medium(token) ? image_token : token);
  }
  return told;
}

// Whether libmtmd makes of a conversation's pictures what transformers does.
bool as_is(const json& family, const json& conversation) {
  if (family.at("family") == "internvl") {
    return false;
  }
  for (const json& turn : conversation.at("messages")) {
    for (const json& part : turn.at("content")) {
      for (const json& known : family.at("pictures")) {
        if (part.at("type") == "image" && known.at("path") == part.at("path") && !known.at("exact").get<bool>()) {
          return false;
        }
      }
    }
  }
  return true;
}

TokenizedResponse golden_tokens(const Engine& engine, const json& conversation) {
  const ResponseText response{conversation.at("response").get<std::string>()};
  return engine.tokenize(golden_messages(conversation), std::span(&response, 1), {}).front();
}

TEST_CASE("tokens and log-probabilities behind images are those of transformers, in four families") {
  const json golden = read_golden("vision_models.json");
  for (const json& family : golden.at("families")) {
    for (const Precision precision : {Precision::kNative, Precision::kExact}) {
      LlamaEngineOptions options = golden_options(family);
      options.precision = precision;
      const auto engine = make_llama_engine(options);
      CHECK(engine->capabilities().images);
      double worst = 0.0;
      int compared = 0;
      for (const json& conversation : family.at("conversations")) {
        CAPTURE(family.at("family").dump());
        CAPTURE(conversation.at("messages").dump());
        const TokenizedResponse tokens = golden_tokens(*engine, conversation);
        // libmtmd resizes pictures in a way of its own, and has InternVL's positions off by one: what it makes of them
        // is held to transformers behind its pixels and positions.
        const json& by = conversation.at(as_is(family, conversation) ? "transformers" : "mtmd");
        CHECK(as_transformers(tokens.prompt, family.at("image_token").get<Token>()) ==
              by.at("prompt_tokens").get<Tokens>());
        ++compared;
        const Tokens response = conversation.at("response_tokens").get<Tokens>();  // as a finished turn has it
        const TokenPath path{tokens.prompt, response};
        const auto stats = evaluate_paths(*engine, std::span(&path, 1), {}).front().front();
        const json& expected = by.at("half_precision");
        REQUIRE(stats.size() == expected.size());
        for (std::size_t i = 0; i < stats.size(); ++i) {
          const double difference = std::abs(stats[i].logit - stats[i].log_sum_exp - expected[i].get<double>());
          CHECK(difference <= (precision == Precision::kExact ? kExactTolerance : kTolerance));
          worst = std::max(worst, difference);
        }
      }
      MESSAGE(family.at("family").dump() << ": " << compared << " conversations, worst " << worst << " nat");
      CHECK(compared == 10);
    }
  }
}

}  // namespace
}  // namespace endorm
