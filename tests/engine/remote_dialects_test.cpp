#include <cmath>
#include <random>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/remote/remote_replies.h"

namespace endorm {
namespace {

using nlohmann::json;

// A reply of POST /v1/completions as vLLM documents it, for the tokens 9906 1917 0; a number under another token than
// the prompt's own is in it, as with prompt_logprobs = 1.
const std::string kVllmReply = R"({"id": "cmpl-7", "object": "text_completion", "created": 1, "model": "m", "choices": [
  {"index": 0, "text": "!", "logprobs": null, "finish_reason": "length", "stop_reason": null, "prompt_logprobs": [null,
    {"1917": {"logprob": -2.25, "rank": 7, "decoded_token": " world"}, "11": {"logprob": -0.5, "rank": 1}},
    {"0": {"logprob": -1.5, "rank": 1, "decoded_token": "!"}}]}],
  "usage": {"prompt_tokens": 3, "total_tokens": 4, "completion_tokens": 1}})";
// A reply of POST /generate as SGLang documents it, from logprob_start_len = 0.
const std::string kSglangReply = R"({"text": "!", "meta_info": {"id": "5", "finish_reason": {"type": "length"},
  "prompt_tokens": 3, "input_token_logprobs": [[null, 9906, null], [-2.25, 1917, null], [-1.5, 0, null]],
  "output_token_logprobs": [[-0.5, 0, null]], "completion_tokens": 1}})";
const Tokens kTokens = {9906, 1917, 0};

const std::string& reply_of(RemoteDialect dialect) {
  return dialect == RemoteDialect::kVllm ? kVllmReply : kSglangReply;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("requests have the servers' shapes") {
  const std::vector<Message> messages = {{"user", "h\"i"}};
  const json vllm = json::parse(tokenize_prompt_call(RemoteDialect::kVllm, TurnRendering::kClosed, "m", messages).body);
  CHECK(vllm == json::parse(R"({"model": "m", "messages": [{"role": "user", "content": "h\"i"}],
    "add_generation_prompt": true, "add_special_tokens": false, "return_token_strs": true})"));
  const RemoteCall turn = tokenize_turn_call(RemoteDialect::kSglang, TurnRendering::kOpen, "m", messages, "yes");
  CHECK(turn.path == "/v1/tokenize");
  CHECK(json::parse(turn.body) == json::parse(R"({"model": "m", "continue_final_message": true,
    "messages": [{"role": "user", "content": "h\"i"}, {"role": "assistant", "content": "yes"}]})"));
  CHECK(json::parse(tokenize_turn_call(RemoteDialect::kVllm, TurnRendering::kClosed, "m", messages, "yes").body)
            .at("add_generation_prompt") == false);
  CHECK(json::parse(tokenize_text_call(RemoteDialect::kVllm, "m", "yes").body).at("prompt") == "yes");
  CHECK_THROWS_AS(tokenize_turn_call(RemoteDialect::kVllm, TurnRendering::kClosed, "m", messages, "\xFF"),
                  InvalidInput);

  const RemoteCall completions = log_probs_call(RemoteDialect::kVllm, "m", kTokens, 1);
  CHECK(completions.path == "/v1/completions");
  const json body = json::parse(completions.body);
  CHECK(body.at("prompt") == json(kTokens));
  CHECK(body.at("prompt_logprobs") == 0);
  CHECK(body.at("max_tokens") == 1);
  CHECK(body.at("temperature") == 1.0);
  const RemoteCall generate = log_probs_call(RemoteDialect::kSglang, "m", kTokens, 2);
  CHECK(generate.path == "/generate");
  CHECK(json::parse(generate.body).at("input_ids") == json(kTokens));
  CHECK(json::parse(generate.body).at("logprob_start_len") == 1);
  CHECK(json::parse(generate.body).at("return_logprob") == true);
  CHECK_THROWS_AS(log_probs_call(RemoteDialect::kVllm, "m", kTokens, 0), InternalError);
  CHECK_THROWS_AS(log_probs_call(RemoteDialect::kVllm, "m", kTokens, 3), InternalError);
}

TEST_CASE("log-probabilities are read from each server's reply") {
  CHECK(parse_log_probs(RemoteDialect::kVllm, kVllmReply, kTokens, 1) == std::vector<double>{-2.25, -1.5});
  CHECK(parse_log_probs(RemoteDialect::kVllm, kVllmReply, kTokens, 2) == std::vector<double>{-1.5});
  CHECK(parse_log_probs(RemoteDialect::kSglang, kSglangReply, kTokens, 1) == std::vector<double>{-2.25, -1.5});
  // From a later start the list is shorter, and its first entry is null again.
  const std::string later = replaced(kSglangReply, "[null, 9906, null], [-2.25, 1917, null]", "[null, 1917, null]");
  CHECK(parse_log_probs(RemoteDialect::kSglang, later, kTokens, 2) == std::vector<double>{-1.5});
  // A rounding error above 0 is what 16-bit arithmetic gives for a certain token.
  CHECK(parse_log_probs(RemoteDialect::kVllm, replaced(kVllmReply, "-2.25", "1e-7"), kTokens, 1).front() == 1e-7);
}

TEST_CASE("a number that is none is refused") {
  for (const RemoteDialect dialect : {RemoteDialect::kVllm, RemoteDialect::kSglang}) {
    for (const char* bad : {"null", "NaN", "-Infinity", "-1e999", "\"-2.25\"", "0.5", "true", "[]", "{}"}) {
      INFO(remote_dialect_name(dialect), " ", bad);
      CHECK_THROWS_AS(parse_log_probs(dialect, replaced(reply_of(dialect), "-2.25", bad), kTokens, 1), EngineError);
    }
  }
  CHECK_THROWS_WITH_AS(parse_log_probs(RemoteDialect::kVllm, replaced(kVllmReply, "-2.25", "-9999.0"), kTokens, 1),
                       doctest::Contains("minus infinity"), EngineError);
  CHECK(parse_log_probs(RemoteDialect::kVllm, replaced(kVllmReply, "-2.25", "-9998.5"), kTokens, 1).front() == -9998.5);
}

TEST_CASE("a reply about other tokens, or about fewer or more, is refused") {
  for (const RemoteDialect dialect : {RemoteDialect::kVllm, RemoteDialect::kSglang}) {
    INFO(remote_dialect_name(dialect));
    const std::string& reply = reply_of(dialect);
    CHECK_THROWS_AS(parse_log_probs(dialect, reply, Tokens{9906, 1918, 0}, 1), EngineError);
    CHECK_THROWS_AS(parse_log_probs(dialect, reply, Tokens{9906, 1917}, 1), EngineError);
    CHECK_THROWS_AS(parse_log_probs(dialect, reply, Tokens{9906, 1917, 0, 0}, 1), EngineError);
  }
  CHECK_THROWS_AS(parse_log_probs(RemoteDialect::kSglang, kSglangReply, Tokens{9907, 1917, 0}, 1), EngineError);
}

TEST_CASE("missing fields and other shapes are refused, and the message quotes the server") {
  for (const RemoteDialect dialect : {RemoteDialect::kVllm, RemoteDialect::kSglang}) {
    for (const char* bad :
         {"", "[]", "null", "3", "{}", "<html>busy</html>", "{\"choices\": []}", "{\"choices\": [{}]}",
          "{\"choices\": [{\"prompt_logprobs\": null}]}", "{\"meta_info\": []}",
          "{\"meta_info\": {\"input_token_logprobs\": [1, 2, 3]}}", "{\"choices\": [1]}"}) {
      INFO(remote_dialect_name(dialect), " ", bad);
      CHECK_THROWS_AS(parse_log_probs(dialect, bad, kTokens, 1), EngineError);
    }
  }
  CHECK_THROWS_WITH_AS(parse_log_probs(RemoteDialect::kVllm, "<html>busy</html>", kTokens, 1),
                       doctest::Contains("<html>busy</html>"), EngineError);
}

TEST_CASE("replies damaged at random are refused, or give numbers that a log-probability can be") {
  std::mt19937_64 random(11);
  for (int sample = 0; sample < 4000; ++sample) {
    const RemoteDialect dialect = sample % 2 == 0 ? RemoteDialect::kVllm : RemoteDialect::kSglang;
    std::string reply = reply_of(dialect);
    for (std::size_t change = 0; change <= random() % 3; ++change) {
      const std::size_t at = random() % reply.size();
      switch (random() % 3) {
        case 0:
          reply[at] = static_cast<char>(random() % 256);
          break;
        case 1:
          reply.erase(at, 1 + random() % 5);
          break;
        default:
          reply.resize(at + 1);
      }
    }
    INFO("seed 11, sample ", sample, ": ", reply);
    try {
      const auto values = parse_log_probs(dialect, reply, kTokens, 1);
      CHECK(values.size() == 2);
      for (const double value : values) {
        CHECK(value <= 1e-3);
        CHECK(std::isfinite(value));
      }
    } catch (const EngineError&) {
    }
  }
}

TEST_CASE("tokens, texts and models are read, and refused where they do not fit") {
  const TokenizeReply both =
      parse_tokenize(R"({"count": 2, "max_model_len": 4096, "tokens": [9906, 0], "token_strs": ["Hello", "!"]})");
  CHECK(both.tokens == Tokens{9906, 0});
  CHECK(both.spellings == std::vector<std::string>{"Hello", "!"});
  CHECK(parse_tokenize(R"({"tokens": [1], "count": 1, "token_strs": null})").spellings.empty());
  for (const char* bad : {R"({"tokens": [-1]})", R"({"tokens": [1.5]})", R"({"tokens": ["1"]})", R"({"tokens": 1})",
                          "{}", R"({"tokens": [4294967296]})", R"({"tokens": [1], "token_strs": []})",
                          R"({"tokens": [1], "token_strs": [1]})", R"({"tokens": [[1]]})"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_tokenize(bad), EngineError);
  }

  CHECK(parse_detokenize(RemoteDialect::kVllm, R"({"prompt": "hi"})", 1) == std::vector<std::string>{"hi"});
  CHECK(parse_detokenize(RemoteDialect::kSglang, R"({"text": ["a", "b"]})", 2) == std::vector<std::string>{"a", "b"});
  CHECK_THROWS_AS(parse_detokenize(RemoteDialect::kSglang, R"({"text": ["a"]})", 2), EngineError);
  CHECK_THROWS_AS(parse_detokenize(RemoteDialect::kSglang, R"({"text": "a"})", 1), EngineError);

  const std::string models = R"({"object": "list", "data": [{"id": "x", "max_model_len": 4096, "root": "/m/x"},
    {"id": "y", "max_model_len": null}]})";
  CHECK(parse_models(models, "").id == "x");
  CHECK(parse_models(models, "x").context == 4096);
  CHECK(parse_models(models, "x").root == "/m/x");
  CHECK(parse_models(models, "y").context == 0);
  CHECK_THROWS_WITH_AS(parse_models(models, "z"), doctest::Contains("It lists: x, y"), EngineError);
  CHECK_THROWS_AS(parse_models(R"({"data": []})", ""), EngineError);
}

TEST_CASE("what an error reply says is found in each server's shape, and is valid UTF-8") {
  CHECK(server_message(R"({"error": {"message": "too long", "code": 400}})") == "too long");
  CHECK(server_message(R"({"object": "error", "message": "too long", "code": 400})") == "too long");
  CHECK(server_message(R"({"detail": "Not Found"})") == "Not Found");
  CHECK(server_message(R"({"detail": [{"msg": "field required"}]})") == R"([{"msg":"field required"}])");
  CHECK(server_message("Internal Server Error") == "Internal Server Error");
  CHECK(server_message("") == "(no text)");
  std::string cut;  // a two-byte character across the place where long texts are cut
  for (int character = 0; character < 500; ++character) {
    cut += (character == 0 ? "x" : "\xC3\xA9");
  }
  CHECK_NOTHROW(json(server_message(cut)).dump());
  CHECK_NOTHROW(json(server_message("\xFF\xFE")).dump());
}

}  // namespace
}  // namespace endorm
