#include <cmath>
#include <fstream>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/llama/llama_engine.h"
#include "engine/tabular_engine.h"
#include "tests/judge/judge_requests.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

std::string golden_path(const std::string& file) { return source_path("tests/golden/" + file); }

std::unique_ptr<LlamaEngine> tiny_engine(const std::string& model, std::optional<std::size_t> context = std::nullopt) {
  LlamaEngineOptions options;
  options.model_path = golden_path(model);
  options.cache_type = CacheType::kF32;
  options.threads = 1;
  options.gpu_layers = 0;
  options.hash_model = false;
  options.context = context;
  return make_llama_engine(options);
}

std::vector<Request> requests_of(const json& records) {
  std::vector<Request> requests;
  for (const json& record : records) {
    std::vector<Message> messages;
    for (const json& message : record.at("messages")) {
      messages.push_back({message.at("role"), message.at("content")});
    }
    requests.push_back(request_of("r" + std::to_string(requests.size()), std::move(messages),
                                  record.at("responses").get<std::vector<std::string>>()));
  }
  return requests;
}

// The golden's own tokens of whole conversations: where they differ, rewards cannot be compared.
void check_tokens(const Engine& engine, const std::vector<Request>& requests, const json& records) {
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (std::size_t k = 0; k < requests[i].responses.size(); ++k) {
      const TokenizedResponse found =
          engine.tokenize(requests[i].messages, std::span(&requests[i].responses[k].text, 1), {true, true}).at(0);
      Tokens tokens = found.prompt;
      tokens.insert(tokens.end(), found.response.begin(), found.response.end());
      CHECK(tokens == records[i].at("tokens")[k].get<Tokens>());
    }
  }
}

TEST_CASE("rewards are those of AutoModelForSequenceClassification") {
  // f32 on both sides, three layers: rewards of up to 8 differ by 2e-5.
  constexpr double kTolerance = 1e-4;
  std::ifstream file(golden_path("judge_heads.json"));
  const json golden = json::parse(file);
  REQUIRE(golden.size() == 6);
  for (const json& entry : golden) {
    INFO(entry.at("head").get<std::string>());
    const auto engine = tiny_engine(entry.at("model"));
    StatsCache cache(std::nullopt);
    JudgeParts parts{*engine, cache};
    parts.head_file = golden_path(entry.at("head"));
    const std::vector<Request> requests = requests_of(entry.at("records"));
    check_tokens(*engine, requests, entry.at("records"));
    const std::vector<Scored> scored = make_judge("head", parts).scorer->score(requests);
    REQUIRE(scored.size() == requests.size());
    double worst = 0.0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const json& rewards = entry.at("records")[i].at("rewards");
      REQUIRE(rewards.size() == requests[i].responses.size());
      for (std::size_t k = 0; k < rewards.size(); ++k) {
        const double difference = std::abs(scored_of(scored[i], k).reward - rewards[k].get<double>());
        CHECK(difference <= kTolerance);
        worst = std::max(worst, difference);
      }
    }
    MESSAGE("largest difference ", worst);
  }
}

TEST_CASE("a response that does not fit is an error of its own") {
  const auto engine = tiny_engine("engine_tiny_llama.gguf", 64);
  StatsCache cache(std::nullopt);
  JudgeParts parts{*engine, cache};
  CHECK_THROWS_WITH_AS(make_judge("head", parts), doctest::Contains("head needs the file"), InvalidInput);
  parts.head_file = golden_path("judge_head_llama_linear_float32.safetensors");
  const Judge judge = make_judge("head", parts);
  const Request request = request_of("r", {{"user", "Name it."}}, {std::string(500, 'x'), "Yes.", ""});
  const std::vector<Scored> scored = judge.scorer->score(std::span(&request, 1));
  CHECK(contains(scored.at(0).responses.at(0).error, "the context holds 64"));
  CHECK(scored[0].responses.at(1).scored.has_value());
  CHECK(contains(scored[0].responses.at(2).error, "empty"));
  // Of a response that was cut off the reward is that of the last token there is.
  Request cut = request_of("r", {{"user", "Name it."}}, {"Yes."});
  cut.responses[0].text.truncated = true;
  const std::vector<Scored> open = judge.scorer->score(std::span(&cut, 1));
  CHECK(scored_of(open.at(0), 0).reward != scored_of(scored[0], 1).reward);
  CHECK(scored_of(open[0], 0).finish == Finish::kTruncated);
}

TEST_CASE("a head of another width than the model is refused when it is made") {
  const auto engine = tiny_engine("engine_tiny_llama.gguf");
  StatsCache cache(std::nullopt);
  JudgeParts parts{*engine, cache};
  const TemporaryDirectory directory;
  parts.head_file = directory.file("narrow.safetensors");
  const std::string header = R"({"score.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  std::ofstream(parts.head_file, std::ios::binary)
      << static_cast<char>(header.size()) << std::string(7, '\0') << header << std::string(8, '\0');
  CHECK_THROWS_WITH_AS(make_judge("head", parts), doctest::Contains("64 numbers, the head takes 2"), InvalidInput);
}

TEST_CASE("an engine without hidden states is refused with its reason") {
  TabularEngine engine(3, [](std::span<const Token>) { return std::vector<double>(3, 0.0); });
  StatsCache cache(std::nullopt);
  JudgeParts parts{engine, cache};
  parts.head_file = golden_path("judge_head_llama_linear_float32.safetensors");
  CHECK_THROWS_WITH_AS(make_judge("head", parts), doctest::Contains("head cannot be had from tabular"), InvalidInput);
}

}  // namespace
}  // namespace endorm
