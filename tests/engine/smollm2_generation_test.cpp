#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/content_hash.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/smollm2_model.h"

// Greedy answers of a real model against transformers: tests/golden/smollm2_generation.py.
namespace endorm {
namespace {

using nlohmann::json;

TEST_CASE("SmolLM2: prompts and greedy answers are those of transformers, all drawn together") {
  const std::optional<std::string> shipped = shipped_smollm2();
  if (!shipped) {
    return;
  }
  const json golden = read_golden("smollm2_generation.json");
  REQUIRE(hex(sha256_file(*shipped)) == golden.at("sha256").get<std::string>());
  const auto engine = make_llama_engine(exact_smollm2(*shipped));
  std::vector<GenerationRequest> requests;
  for (const json& answer : golden.at("answers")) {
    std::vector<Message> messages;
    for (const json& message : answer.at("messages")) {
      messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
    }
    requests.push_back({engine->open_turn(messages), 0});
    CHECK(requests.back().prompt == answer.at("prompt").get<Tokens>());
  }
  const std::vector<Completion> answers = engine->generate(requests, {golden.at("length"), 0.0, 1.0, {}});
  REQUIRE(answers.size() == golden.at("answers").size());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CAPTURE(i);
    const json& expected = golden.at("answers").at(i);
    const auto tokens = expected.at("tokens").get<Tokens>();
    compared += tokens.size();
    if (expected.at("end") == "near_tie") {
      REQUIRE(answers[i].tokens.size() >= tokens.size());
      CHECK(Tokens(answers[i].tokens.begin(), answers[i].tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size())) ==
            tokens);
      continue;
    }
    CHECK(answers[i].tokens == tokens);
    CHECK(answers[i].text == expected.at("text").get<std::string>());
    CHECK((answers[i].end == CompletionEnd::kEndOfTurn) == (expected.at("end") == "end_of_turn"));
  }
  MESSAGE(compared, " tokens compared");
  CHECK(compared > 200);
}

}  // namespace
}  // namespace endorm
