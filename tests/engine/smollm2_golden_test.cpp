#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/content_hash.h"
#include "tests/engine/golden_sequences.h"
#include "tests/engine/smollm2_model.h"

// Twenty conversations through a real model against transformers: tests/golden/smollm2_conversations.py.
namespace endorm {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-3;

TokenizedResponse tokenize_golden(const Engine& engine, const json& conversation) {
  std::vector<Message> messages;
  for (const json& message : conversation.at("messages")) {
    messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
  }
  const ResponseText response{conversation.at("response").get<std::string>(), conversation.at("truncated").get<bool>()};
  return engine.tokenize(messages, std::span(&response, 1), {}).front();
}

TEST_CASE("SmolLM2: tokens and statistics of twenty conversations are those of transformers") {
  const std::optional<std::string> shipped = shipped_smollm2();
  if (!shipped) {
    return;
  }
  const json golden = read_golden("smollm2_conversations.json");
  REQUIRE(hex(sha256_file(*shipped)) == golden.at("sha256").get<std::string>());
  const auto engine = make_llama_engine(exact_smollm2(*shipped));
  CHECK(engine->model_info().vocabulary == golden.at("vocabulary").get<std::size_t>());

  const json& conversations = golden.at("conversations");
  REQUIRE(conversations.size() == 20);
  std::vector<Sequence> sequences;
  for (const json& conversation : conversations) {
    CAPTURE(conversation.at("response").dump());
    const TokenizedResponse tokenized = tokenize_golden(*engine, conversation);
    CHECK(tokenized.prompt == conversation.at("prompt_tokens").get<Tokens>());
    CHECK(tokenized.response == conversation.at("response_tokens").get<Tokens>());
    CHECK((tokenized.finish == Finish::kTruncated) == conversation.at("truncated").get<bool>());
    sequences.push_back({tokenized.prompt, tokenized.response});
  }

  const SequenceStats stats = evaluate_together(*engine, sequences);
  WorstDifference worst;
  for (std::size_t i = 0; i < stats.size(); ++i) {
    worst.add(stats[i], golden_stats(conversations[i]));
  }
  MESSAGE(worst.of_token.size(), " tokens: ", worst.text());
  CHECK(worst.logit <= kTolerance);
  CHECK(worst.log_sum_exp <= kTolerance);
  CHECK(worst.log_prob <= kTolerance);
  CHECK(worst.entropy <= kTolerance);
}

}  // namespace
}  // namespace endorm
