#include "score/scored_json.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/manifest.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A response of two tokens, "Hi" and the end of turn, with every optional part present.
ScoredResponse full_response() {
  ScoredResponse response;
  response.reward = -0.5;
  response.log_prob = -0.75;
  response.value = 12.5;
  response.aggregates = endorm::Aggregates{
      .sum = -0.75,
      .mean = -0.375,
      .discounted = -0.5,
      .chunked_mean = -0.25,
      .last_k = -0.125,
      .steps = {{.tokens = {0, 1}, .sum = -0.5, .mean = -0.5}, {.tokens = {1, 2}, .sum = -0.25, .mean = -0.25}},
      .step_mean = -0.375,
      .min_step = -0.5};
  response.finish = Finish::kEndOfTurn;
  response.truncated_left = 3;
  response.tokens = {{.q = 12.0, .value = 12.5, .log_prob = -0.5, .reward = 1.0, .entropy = 0.25},
                     {.q = 10.75, .value = 11.0, .log_prob = -0.25, .reward = 10.75, .entropy = 0.5}};
  response.token_texts = {"Hi", "<|im_end|>"};
  response.token_ids = {7, 2};
  return response;
}

Request request() {
  Request request;
  request.messages = {{"user", "Say \"hi\"\n"}};
  return request;
}

std::string row_of(const ScoredResponse& response, RowOptions options = {.tokens = true, .steps = true}) {
  return scored_row(request(), {.id = "a", .line = 4, .key = "0123456789abcdef", .responses = {{response, ""}}},
                    options);
}

TEST_CASE("a full row, byte by byte") {
  CHECK(
      row_of(full_response()) ==
      R"({"id":"a","line":4,"key":"0123456789abcdef","messages":[{"role":"user","content":"Say \"hi\"\n"}],)"
      R"("responses":[{"reward":-0.5,"log_prob":-0.75,"value":12.5,"tokens":2,"sum":-0.75,"mean":-0.375,)"
      R"("discounted":-0.5,"chunked_mean":-0.25,"last_k":-0.125,"step_mean":-0.375,"min_step":-0.5,)"
      R"("finish":"end_of_turn","truncated_left":3,"steps":[{"begin":0,"end":1,"sum":-0.5,"mean":-0.5},)"
      R"({"begin":1,"end":2,"sum":-0.25,"mean":-0.25}],"token_rewards":{"id":[7,2],"text":["Hi","<|im_end|>"],)"
      R"("log_prob":[-0.5,-0.25],"reward":[1.0,10.75],"q":[12.0,10.75],"value":[12.5,11.0],"entropy":[0.25,0.5]}}]})");
}

TEST_CASE("what is not asked for or not known is absent") {
  ScoredResponse response = full_response();
  response.value.reset();
  response.tokens[1].entropy.reset();
  response.truncated_left = 0;
  response.finish = Finish::kTruncated;
  response.aggregates->steps.clear();
  response.aggregates->step_mean.reset();
  response.aggregates->min_step.reset();
  const json row = json::parse(row_of(response));
  const json& fields = row["responses"][0];
  for (const char* absent : {"value", "truncated_left", "steps", "step_mean", "min_step"}) {
    CHECK_FALSE(fields.contains(absent));
  }
  for (const char* absent : {"reward", "q", "value", "entropy"}) {
    CHECK_FALSE(fields["token_rewards"].contains(absent));
  }
  CHECK(fields["finish"] == "truncated");
  const json plain = json::parse(row_of(full_response(), {}));
  CHECK_FALSE(plain.contains("messages"));
  CHECK_FALSE(plain.contains("chosen"));
  CHECK_FALSE(plain["responses"][0].contains("token_rewards"));
  CHECK_FALSE(plain["responses"][0].contains("steps"));
  CHECK(plain["responses"][0]["min_step"] == -0.5);
}

TEST_CASE("chosen records, failed responses and failed records") {
  Request pair = request();
  pair.chosen_first = true;
  const Scored scored{
      .id = "a", .line = 1, .key = "0", .responses = {{full_response(), ""}, {std::nullopt, "too long"}}};
  const json row = json::parse(scored_row(pair, scored, {}));
  CHECK(row["chosen"] == 0);
  CHECK(row["responses"][1] == json{{"error", "too long"}});
  CHECK(error_row("b", 2, "00ff", "bad \"x\"") ==
        R"({"id":"b","line":2,"key":"00ff","error":{"kind":"invalid_input","message":"bad \"x\""}})");
  CHECK(error_row(std::nullopt, 2, "00ff", "m") ==
        R"({"line":2,"key":"00ff","error":{"kind":"invalid_input","message":"m"}})");
}

TEST_CASE("doubles read back as the same bits") {
  const unsigned seed = 20250623;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    double number = 0.0;
    std::memcpy(&number, &bits, sizeof number);
    if (!std::isfinite(number)) {
      continue;
    }
    ScoredResponse response = full_response();
    response.reward = number;
    const std::string row = row_of(response, {});
    const std::size_t begin = row.find("\"reward\":") + 9;
    CAPTURE(row);
    const double back = std::strtod(row.c_str() + begin, nullptr);
    CHECK(std::memcmp(&back, &number, sizeof number) == 0);
  }
}

TEST_CASE("a number that is not finite is never printed") {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    CAPTURE(bad);
    const auto refused = [&](auto change, const char* name) {
      ScoredResponse response = full_response();
      change(response);
      CHECK(contains(message_of<InternalError>([&] { row_of(response); }), name));
    };
    refused([&](ScoredResponse& r) { r.reward = bad; }, "\"reward\"");
    refused([&](ScoredResponse& r) { r.log_prob = bad; }, "\"log_prob\"");
    refused([&](ScoredResponse& r) { r.value = bad; }, "\"value\"");
    refused([&](ScoredResponse& r) { r.aggregates->sum = bad; }, "\"sum\"");
    refused([&](ScoredResponse& r) { r.aggregates->mean = bad; }, "\"mean\"");
    refused([&](ScoredResponse& r) { r.aggregates->discounted = bad; }, "\"discounted\"");
    refused([&](ScoredResponse& r) { r.aggregates->chunked_mean = bad; }, "\"chunked_mean\"");
    refused([&](ScoredResponse& r) { r.aggregates->last_k = bad; }, "\"last_k\"");
    refused([&](ScoredResponse& r) { r.aggregates->step_mean = bad; }, "\"step_mean\"");
    refused([&](ScoredResponse& r) { r.aggregates->min_step = bad; }, "\"min_step\"");
    refused([&](ScoredResponse& r) { r.aggregates->steps[1].sum = bad; }, "\"steps.sum\"");
    refused([&](ScoredResponse& r) { r.tokens[1].q = bad; }, "\"token_rewards.q\"");
    refused([&](ScoredResponse& r) { r.tokens[1].entropy = bad; }, "\"token_rewards.entropy\"");
  }
}

TEST_CASE("a judge that reads no tokens gives what it has") {
  ScoredResponse response;
  response.reward = 0.5;
  response.finish = Finish::kEndOfTurn;
  CHECK(row_of(response) ==
        R"({"id":"a","line":4,"key":"0123456789abcdef","messages":[{"role":"user","content":"Say \"hi\"\n"}],)"
        R"("responses":[{"reward":0.5,"finish":"end_of_turn"}]})");
  response.replies = {"A", "caf\xC3"};  // a reply may end within a character
  response.unparsed = 1;
  response.inconsistent = 2;
  CHECK(contains(row_of(response, {}),
                 "{\"reward\":0.5,\"finish\":\"end_of_turn\",\"replies\":[\"A\",\"caf\xEF\xBF\xBD\"],"
                 "\"unparsed\":1,\"inconsistent\":2}"));
}

TEST_CASE("a masked token is named") {
  ScoredResponse response = full_response();
  response.tokens[1].log_prob = -kInfinity;
  response.log_prob = -kInfinity;
  const std::string message = message_of<InvalidInput>([&] { row_of(response, {}); });
  CHECK(contains(message, "response token 1 (\"<|im_end|>\") is -infinity: the model masks this token"));
}

TEST_CASE("our own mistakes are ours") {
  ScoredResponse short_texts = full_response();
  short_texts.token_texts.pop_back();
  CHECK(contains(message_of<InternalError>([&] { row_of(short_texts); }), "2 token rewards stand beside 1 texts"));
  ScoredResponse not_utf8 = full_response();
  not_utf8.token_texts[0] = "\x80";
  CHECK(contains(message_of<InternalError>([&] { row_of(not_utf8); }), "not valid UTF-8"));
}

TEST_CASE("a manifest is put together of parts") {
  ModelInfo model;
  model.name = "m";
  model.file = "m.gguf";
  model.sha256 = "aa";
  model.arithmetic = "exact bf16";
  model.fingerprint = "f";
  const std::string line = manifest_line({{"endorm", "0.1.0"},
                                          {"judge", judge_part("endorm", "alpha=1")},
                                          {"model", model_part(model)},
                                          {"template", template_part("bb", {})},
                                          {"options", options_part({{}, {.tokens = true, .steps = false}}, 512, "")}});
  CHECK(line ==
        R"({"manifest":{"endorm":"0.1.0","judge":{"name":"endorm","fingerprint":"alpha=1"},"model":{"name":"m",)"
        R"("file":"m.gguf","sha256":"aa","arithmetic":"exact bf16","fingerprint":"f"},"template":{"fingerprint":"bb",)"
        R"("end_of_turn":true,"template_newline":false,"response_is":"auto","date":"2024-07-26","arguments":{}},)"
        R"("options":{"alpha":1.0,"aggregation":"discounted","gamma":0.93,"floor":0.0,"chunk":16,"last_k":16,)"
        R"("initial_value":false,"step_separator":"\n\n","score_turns":"last","on_overflow":"error","context":512,)"
        R"("share_prefixes":true,"shard":null,"tokens":true,"steps":false}}})");
  CHECK_FALSE(model_anywhere_part(model).contains("file"));
  CHECK(prompt_template_part("bb", {.arguments = R"({"a":1})"}).dump() ==
        R"({"fingerprint":"bb","date":"2024-07-26","arguments":{"a":1}})");
  CHECK(prompt_options_part(512, "1/2").dump() == R"({"context":512,"shard":"1/2"})");
}

}  // namespace
}  // namespace endorm
