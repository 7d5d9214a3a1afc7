#include <algorithm>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "engine/content_hash.h"
#include "engine/llama/llama_engine.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/smollm2_model.h"
#include "tests/judge/judge_requests.h"

namespace endorm {
namespace {

const std::vector<std::string> kPersonas = {
    "You are a pirate captain. You talk like a sailor of old and swear by the seven seas.",
    "You are a lawyer. You speak with precision and caution, and refer to statutes and precedents.",
    "You are a mother reading to her small child. You use short and simple words.",
};
// One answer in the manner of each persona.
const std::vector<std::string> kAnswers = {
    "Arr, matey! Hoist the sails and set course for that island, where the rum and the treasure be waitin' for me "
    "crew!",
    "Pursuant to section 12 of the Act, the parties shall be deemed to have accepted the terms, absent a written "
    "objection.",
    "Look, the little boat! It goes up and down on the water. Splash, splash! Now the boat says good night.",
};

TEST_CASE("each persona's answer has the highest contrast under its own persona, and the matrix costs no more") {
  const std::optional<std::string> model = shipped_smollm2();
  if (!model) {
    return;
  }
  LlamaEngineOptions options;
  options.model_path = *model;
  options.gpu_layers = 0;
  options.hash_model = false;
  const auto engine = make_llama_engine(options);
  StatsCache cache(std::nullopt);
  JudgeParts parts{*engine, cache};
  parts.contrast = kPersonas;
  std::vector<Request> requests;
  for (const std::string& persona : kPersonas) {
    requests.push_back(request_of(persona, {{"system", persona}, {"user", "What should we do now?"}}, kAnswers));
  }
  const std::vector<Scored> contrast = make_judge("contrast", parts).scorer->score(requests);
  const std::size_t computed = engine->tokens_computed();
  const std::vector<Scored> plain = make_judge("endorm", parts).scorer->score(requests);
  CHECK(engine->tokens_computed() == computed);
  for (std::size_t persona = 0; persona < kPersonas.size(); ++persona) {
    INFO(kPersonas[persona]);
    for (std::size_t answer = 0; answer < kAnswers.size(); ++answer) {
      MESSAGE("answer ", answer, ": contrast ", scored_of(contrast[persona], answer).reward, ", plain ",
              scored_of(plain[persona], answer).reward);
      double mean = 0.0;
      for (std::size_t other = 0; other < kPersonas.size(); ++other) {
        mean += other == persona ? 0.0 : scored_of(plain[other], answer).reward / 2;
      }
      // The same statistics, read twice.
      CHECK(std::abs(scored_of(contrast[persona], answer).reward - (scored_of(plain[persona], answer).reward - mean)) <=
            1e-9);
      if (answer != persona) {
        CHECK(scored_of(contrast[persona], persona).reward > scored_of(contrast[persona], answer).reward);
      }
    }
  }
}

TEST_CASE("an answer to the question gains more from it than an answer to another question") {
  const std::optional<std::string> model = shipped_smollm2();
  if (!model) {
    return;
  }
  LlamaEngineOptions options;
  options.model_path = *model;
  options.gpu_layers = 0;
  options.hash_model = false;
  const auto engine = make_llama_engine(options);
  StatsCache cache(std::nullopt);
  JudgeParts parts{*engine, cache};
  parts.score.aggregate.kind = Aggregation::kSum;
  const Request request =
      request_of("r", {{"user", "What is the capital of France?"}},
                 {"The capital of France is Paris.", "Bees make honey from the nectar of flowers."});
  const std::vector<Scored> gain = make_judge("information-gain", parts).scorer->score(std::span(&request, 1));
  CHECK(scored_of(gain.at(0), 0).reward > 10.0);
  CHECK(scored_of(gain[0], 1).reward < scored_of(gain[0], 0).reward - 10.0);
  // A model against itself: every number is 0.
  parts.reference = engine.get();
  const std::vector<Scored> ratio = make_judge("log-ratio", parts).scorer->score(std::span(&request, 1));
  CHECK(scored_of(ratio.at(0), 0).reward == 0.0);
  CHECK(scored_of(ratio[0], 1).aggregates->discounted == 0.0);
}

TEST_CASE("ifd is that of transformers") {
  const std::optional<std::string> shipped = shipped_smollm2();
  if (!shipped) {
    return;
  }
  const nlohmann::json golden = read_golden("judge_ifd.json");
  REQUIRE(hex(sha256_file(*shipped)) == golden.at("sha256").get<std::string>());
  const auto engine = make_llama_engine(exact_smollm2(*shipped));
  StatsCache cache(std::nullopt);
  std::vector<Request> requests;
  for (const nlohmann::json& record : golden.at("records")) {
    std::vector<Message> messages;
    for (const nlohmann::json& message : record.at("messages")) {
      messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
    }
    requests.push_back(request_of("r", std::move(messages), {record.at("response").get<std::string>()}));
  }
  REQUIRE(requests.size() == 4);
  const std::vector<Scored> scored = make_judge("ifd", {*engine, cache}).scorer->score(requests);
  // A mean loss is within 1e-3 nats of transformers' (smollm2_golden_test.cpp); the losses divided by are above 2.
  constexpr double kRatioTolerance = 1e-3;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CHECK(std::abs(scored_of(scored[i], 0).reward - golden.at("records")[i].at("ifd").get<double>()) <=
          kRatioTolerance);
  }
  // The answer to the question, and one to another: its prompt hinders it.
  CHECK(scored_of(scored[0], 0).reward < 0.5);
  CHECK(scored_of(scored[1], 0).reward > 1.0);
}

}  // namespace
}  // namespace endorm
