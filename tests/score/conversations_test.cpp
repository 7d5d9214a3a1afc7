// Responses as trainers hold them: token ids with masks, and every turn of a conversation.
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "engine/tabular_engine.h"
#include "score/endogenous_scorer.h"
#include "score/request_tokens.h"
#include "score/scored_json.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kWords = 6;

std::vector<double> row_of(std::span<const Token> path) { return random_row(7, path, kWords, 2.0); }

std::vector<ScoredOutcome> outcomes_of(const ScoreOptions& options, const json& record) {
  TabularEngine engine(kWords, row_of);
  StatsCache cache(std::nullopt);
  std::vector<std::string> unknown;
  const std::vector<Request> requests = {parse_request(record.dump(), 1, "\n\n", unknown)};
  REQUIRE(unknown.empty());
  return EndogenousScorer(engine, cache, options).score(requests).at(0).responses;
}

ScoredResponse only(const ScoreOptions& options, const json& record) {
  const std::vector<ScoredOutcome> outcomes = outcomes_of(options, record);
  REQUIRE(outcomes.size() == 1);
  INFO(outcomes[0].error);
  REQUIRE(outcomes[0].scored.has_value());
  return *outcomes[0].scored;
}

json said(const char* role, const char* content) { return {{"role", role}, {"content", content}}; }

TEST_CASE("token ids give the numbers of the text that they spell") {
  const ScoredResponse text = only({}, {{"prompt", "[0][1]"}, {"response", "[2][3][4]"}});
  for (const json& record :
       {json{{"prompt_ids", {0, 1}}, {"response_ids", {2, 3, 4}}},
        json{{"prompt", "[0][1]"}, {"response_ids", {2, 3, 4}}},
        json{{"prompt_ids", {0, 1}}, {"responses", {{{"ids", {2, 3, 4}}, {"mask", {1, 1, 1}}}}}}}) {
    const ScoredResponse ids = only({}, record);
    CHECK(ids.reward == text.reward);
    CHECK(ids.log_prob == text.log_prob);
    CHECK(ids.token_ids == text.token_ids);
    CHECK(ids.context == ResponseContext::kTokens);
  }
}

TEST_CASE("what is wrong with the tokens of one response is its own fault alone") {
  const std::vector<ScoredOutcome> outcomes = outcomes_of({}, {{"prompt_ids", {0, 1}},
                                                               {"responses",
                                                                {{{"ids", {2, 3}}},
                                                                 {{"ids", {2, 6}}},
                                                                 {{"ids", json::array()}},
                                                                 {{"ids", {2, -1}}},
                                                                 {{"ids", {2, 1.5}}},
                                                                 {{"ids", {2, 3}}, {"text", "[2]"}},
                                                                 {{"ids", {2, 3}}, {"mask", {1}}},
                                                                 {{"ids", {2, 3}}, {"mask", {0, 0}}},
                                                                 {{"ids", {2, 3}}, {"mask", {1, 2}}},
                                                                 "[2]",
                                                                 {{"ids", {3}}}}}});
  const std::vector<std::string> wrong = {"",
                                          "6",
                                          "an empty list",
                                          "is -1",
                                          "expected a token id",
                                          "beside its text",
                                          "1 entries for 2",
                                          "no token to score",
                                          "expected 0 (context)",
                                          "response_ids",
                                          ""};
  REQUIRE(outcomes.size() == wrong.size());
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    INFO("response ", i, ": ", outcomes[i].error);
    CHECK(outcomes[i].scored.has_value() == wrong[i].empty());
    CHECK(outcomes[i].error.find(wrong[i]) != std::string::npos);
  }
}

TEST_CASE("masked tokens are context: each run is scored behind all that precedes it, as by itself") {
  const ScoredResponse masked =
      only({}, {{"prompt_ids", {0}}, {"response_ids", {1, 2, 3, 4, 5}}, {"response_mask", {1, 1, 0, 0, 1}}});
  const ScoredResponse first = only({}, {{"prompt_ids", {0}}, {"response_ids", {1, 2}}});
  const ScoredResponse last = only({}, {{"prompt_ids", {0, 1, 2, 3, 4}}, {"response_ids", {5}}});
  CHECK(masked.token_ids == Tokens{1, 2, 5});
  CHECK(masked.log_prob.value() == doctest::Approx(first.log_prob.value() + last.log_prob.value()).epsilon(1e-14));
  REQUIRE(masked.turns.size() == 2);
  CHECK(masked.turns[0].tokens.end == 2);
  CHECK(masked.turns[0].reward == first.reward);
  CHECK(masked.turns[1].reward == last.reward);
  CHECK(masked.turns[1].sum == last.aggregates.value().sum);
  // The state after the first run's last action is the one in which the model acts next.
  CHECK(masked.tokens[1].reward == first.tokens[1].q - last.tokens[0].value);
}

TEST_CASE("every turn of a conversation is scored in its own context, and the whole is their chain") {
  const json messages = {said("user", "[0][1]"), said("assistant", "[2][3]"), said("user", "[4]"),
                         said("assistant", "[5][0]")};
  ScoreOptions all;
  all.turns = ScoredTurns::kAll;
  all.find_steps = true;
  const ScoredResponse whole = only(all, {{"messages", messages}});
  const ScoredResponse first = only({}, {{"prompt", "[0][1]"}, {"response", "[2][3]"}});
  const ScoredResponse last = only({}, {{"messages", messages}});
  REQUIRE(whole.turns.size() == 2);
  CHECK(whole.turns[0].reward == first.reward);
  CHECK(whole.turns[1].reward == last.reward);
  CHECK(whole.turns[1].tokens.begin == 2);
  CHECK(whole.turns[1].tokens.end == 4);
  CHECK(whole.log_prob.value() == doctest::Approx(first.log_prob.value() + last.log_prob.value()).epsilon(1e-14));
  CHECK(whole.aggregates.value().steps.size() == 2);  // one a turn at least
  CHECK(last.turns.empty());

  std::vector<std::string> unknown;
  const Request request = parse_request(json{{"messages", messages}}.dump(), 1, "\n\n", unknown);
  Scored scored{"1", 1, "k", {{whole, "", false}}};
  const json row = json::parse(scored_row(request, scored, {.tokens = true, .steps = true})).at("responses").at(0);
  CHECK(row.at("token_rewards").at("turn") == json{0, 0, 1, 1});
  CHECK(row.at("steps").at(1).at("turn") == 1);
  CHECK(row.at("turns").at(1).at("begin") == 2);
  CHECK(row.at("context") == "as_drawn");
}

TEST_CASE("a record says how many of its last turns are scored") {
  json messages = {said("user", "[0][1]"), said("assistant", "[2]"), said("user", "[4]")};
  const json own = {said("assistant", "[2][3]"), said("tool", "[4]"), said("assistant", "[5][0]")};
  messages.insert(messages.end(), own.begin(), own.end());
  ScoreOptions all;
  all.turns = ScoredTurns::kAll;
  const ScoredResponse every = only(all, {{"messages", messages}});
  REQUIRE(every.turns.size() == 3);
  for (const ScoreOptions& options : {ScoreOptions{}, all}) {
    const ScoredResponse two = only(options, {{"messages", messages}, {"score_turns", 2}});
    REQUIRE(two.turns.size() == 2);
    CHECK(two.turns[0].reward == every.turns[1].reward);
    CHECK(two.turns[1].reward == every.turns[2].reward);
    CHECK(two.tokens.size() == every.tokens.size() - every.turns[0].tokens.end);
    CHECK(only(options, {{"messages", messages}, {"score_turns", 1}}).reward == every.turns[2].reward);
    CHECK(only(options, {{"messages", messages}, {"score_turns", 9}}).reward == every.reward);
  }
}

TEST_CASE("tools and template arguments come with the record, in the order that they were given in") {
  std::vector<std::string> unknown;
  const auto arguments = [&](const std::string& line) {
    return parse_request(line, 1, "\n", unknown).template_arguments;
  };
  CHECK(arguments(
            R"({"prompt":"p","response":"r","tools":[{"type":"function","a":1}],"chat_template_kwargs":{"z":1}})") ==
        R"({"z":1,"tools":[{"type":"function","a":1}]})");
  CHECK(arguments(R"({"prompt":"p","response":"r","tools":"[{\"b\":1,\"a\":2}]"})") == R"({"tools":[{"b":1,"a":2}]})");
  CHECK(arguments(R"({"prompt":"p","response":"r","tools":[],"chat_template_kwargs":null})").empty());
  const Request request = parse_request(
      R"({"messages":[{"role":"user","content":"p"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f"}}]},)"
      R"({"role":"tool","content":"18","tool_call_id":"1"},{"role":"assistant","content":"a","reasoning_content":"b"}]})",
      1, "\n", unknown);
  CHECK(unknown.empty());
  CHECK(request.messages[1].fields == R"({"tool_calls":[{"id":"1","function":{"name":"f"}}],"content":null})");
  CHECK(request.messages[2].fields == R"({"tool_call_id":"1"})");
  CHECK(request.responses[0].text.text == "a");
  CHECK(request.responses[0].text.fields == R"({"reasoning_content":"b"})");
  TemplateOptions run;
  run.arguments = R"({"z":0,"y":2})";
  Request asked;
  asked.template_arguments = R"({"z":1})";
  CHECK(request_template(run, asked).arguments == R"({"z":1,"y":2})");
}

}  // namespace
}  // namespace endorm
