#include <cmath>
#include <cstring>

#include <doctest/doctest.h>

#include "app/server/token_log_probs.h"
#include "tests/server/running_server.h"

// What teachers are asked, and what harnesses ask of completions. Expected log-probabilities are those of /v1/rewards.
namespace endorm {
namespace {

using nlohmann::json;

const json kIds = {1, 2, 7, 6, 3, 4, 5};

// log pi of kIds from the second on.
std::vector<double> expected_log_probs(const RunningServer& server) {
  json response = kIds;
  response.erase(0);
  return server
      .reply("/v1/rewards",
             {{"prompt_ids", {1}}, {"response_ids", response}})["responses"][0]["token_rewards"]["log_prob"]
      .get<std::vector<double>>();
}

TEST_CASE("prompt_logprobs: every token's own and the likeliest of its place, ranked") {
  const RunningServer server(one(tabular_engine()));
  const std::vector<double> own = expected_log_probs(server);
  const json choice =
      server.reply("/v1/completions",
                   {{"prompt", json::array({kIds, kIds})}, {"max_tokens", 0}, {"prompt_logprobs", 8}})["choices"][1];
  const json& told = choice["prompt_logprobs"];
  REQUIRE(told.size() == kIds.size());
  CHECK(told[0].is_null());
  for (std::size_t i = 1; i < told.size(); ++i) {
    REQUIRE(told[i].size() == 8);  // the whole vocabulary: a distribution
    double sum = 0.0;
    std::vector<double> by_rank(9);
    for (const auto& [id, each] : told[i].items()) {
      sum += std::exp(each["logprob"].get<double>());
      by_rank[each["rank"]] = each["logprob"];
      CHECK(each["decoded_token"] == "[" + id + "]");
    }
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-12));
    for (std::size_t rank = 1; rank < 8; ++rank) {
      CHECK(by_rank[rank] >= by_rank[rank + 1]);
    }
    const std::string id = std::to_string(kIds[i].get<int>());
    CHECK(told[i][id]["logprob"].get<double>() == doctest::Approx(own[i - 1]).epsilon(1e-12));
    // Fewer are the first of these, and the token itself.
    const json fewer =
        server.reply("/v1/completions",
                     {{"prompt", kIds}, {"max_tokens", 0}, {"prompt_logprobs", 2}})["choices"][0]["prompt_logprobs"][i];
    CHECK(fewer.size() == (told[i][id]["rank"] > 2 ? 3 : 2));
    CHECK(fewer[id]["logprob"] == told[i][id]["logprob"]);
    CHECK(fewer[id]["rank"] == std::min(told[i][id]["rank"].get<int>(), 3));
  }
  CHECK(server
            .reply("/v1/completions",
                   {{"prompt", kIds}, {"max_tokens", 0}, {"prompt_logprobs", 0}})["choices"][0]["prompt_logprobs"][1]
            .size() == 1);
}

TEST_CASE("slime's teacher: SGLang's generate") {
  const RunningServer server(one(tabular_engine()));
  const std::vector<double> own = expected_log_probs(server);
  const json body = {{"input_ids", kIds},
                     {"sampling_params", {{"temperature", 0}, {"max_new_tokens", 0}, {"skip_special_tokens", false}}},
                     {"return_logprob", true},
                     {"logprob_start_len", 0}};
  const json meta = server.reply("/generate", body)["meta_info"];
  CHECK(meta["prompt_tokens"] == 7);
  REQUIRE(meta["input_token_logprobs"].size() == 7);
  CHECK(meta["input_token_logprobs"][0] == json({nullptr, 1, nullptr}));
  for (std::size_t i = 1; i < 7; ++i) {
    CHECK(meta["input_token_logprobs"][i][0].get<double>() == doctest::Approx(own[i - 1]).epsilon(1e-12));
    CHECK(meta["input_token_logprobs"][i][1] == kIds[i]);
  }
  json more = body;
  more["input_ids"] = json::array({kIds, {1, 2}});
  more["logprob_start_len"] = 4;
  more["top_logprobs_num"] = 2;
  more["return_text_in_logprobs"] = true;
  const json many = server.reply("/generate", more);
  REQUIRE(many.size() == 2);
  CHECK(many[0]["meta_info"]["input_token_logprobs"].size() == 3);
  CHECK(many[0]["meta_info"]["input_token_logprobs"][0] == json({nullptr, 3, "[3]"}));
  CHECK(many[0]["meta_info"]["input_token_logprobs"][1][0] == meta["input_token_logprobs"][5][0]);
  CHECK(many[0]["meta_info"]["input_top_logprobs"][0].is_null());
  CHECK(many[0]["meta_info"]["input_top_logprobs"][1].size() == 2);
  CHECK(many[1]["meta_info"]["input_token_logprobs"].empty());
  for (const auto& [name, value] : {std::pair<const char*, json>{"sampling_params", {{"max_new_tokens", 1}}},
                                    {"image_data", {"x"}},
                                    {"text", "[1]"},
                                    {"stream", true},
                                    {"top_logprobs_num", 2000},
                                    {"input_ids", {1, 99}}}) {
    json wrong = body;
    wrong[name] = value;
    const auto result = server.post("/generate", wrong.dump());
    CHECK_MESSAGE(result->status == 400, name << ": " << result->body);
  }
}

TEST_CASE("prime-rl's teacher: token ids, one token drawn, prompt_logprobs, of which it reads the first of a place") {
  const RunningServer server(one(tabular_engine()));
  const std::vector<double> own = expected_log_probs(server);
  for (const int likeliest : {0, 1, 8}) {
    const auto told = nlohmann::ordered_json::parse(
        server
            .post("/inference/v1/generate",
                  json{{"token_ids", kIds}, {"sampling_params", {{"max_tokens", 1}, {"prompt_logprobs", likeliest}}}}
                      .dump())
            ->body)["prompt_logprobs"];
    REQUIRE(told.size() == kIds.size());
    for (std::size_t i = 1; i < told.size(); ++i) {
      CHECK(told[i].begin().key() == std::to_string(kIds[i].get<int>()));
      CHECK(told[i].front()["logprob"].get<double>() == doctest::Approx(own[i - 1]).epsilon(1e-12));
    }
  }
  const json reply = server.reply(
      "/inference/v1/generate",
      {{"model", "any"},
       {"token_ids", kIds},
       {"sampling_params", {{"max_tokens", 1}, {"temperature", 0}, {"top_p", 1.0}, {"prompt_logprobs", 1}}}});
  CHECK(reply["choices"][0]["token_ids"].size() == 1);
  CHECK(reply["prompt_logprobs"] ==
        server.reply("/v1/completions",
                     {{"prompt", kIds}, {"max_tokens", 0}, {"prompt_logprobs", 1}})["choices"][0]["prompt_logprobs"]);
  CHECK(server
            .reply("/inference/v1/generate",
                   {{"token_ids", kIds}, {"sampling_params", {{"max_tokens", 1}}}})["choices"][0]["token_ids"]
            .size() <= 1);
  CHECK(server.post("/inference/v1/generate", R"({"token_ids": [1], "sampling_params": {"n": 2}})")->status == 400);
  // What is drawn goes as ids, each with itself as the first of its place.
  const json drawn = server.reply(
      "/inference/v1/generate",
      {{"token_ids", kIds},
       {"sampling_params", {{"max_tokens", 2}, {"temperature", 0}, {"logprobs", 2}, {"seed", 1}}}})["choices"][0];
  REQUIRE(drawn["logprobs"]["content"].size() == drawn["token_ids"].size());
  for (std::size_t i = 0; i < drawn["token_ids"].size(); ++i) {
    const json& told = drawn["logprobs"]["content"][i];
    CHECK(told["token_id"] == drawn["token_ids"][i]);
    CHECK(told["token"] == "token_id:" + drawn["token_ids"][i].dump());
    CHECK(told["top_logprobs"][0]["token_id"] == told["token_id"]);
    CHECK(told["top_logprobs"][0]["logprob"] == told["logprob"]);
    CHECK(told["logprob"].get<double>() < 0.0);
  }
}

std::vector<float> floats(const std::string& encoded) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  for (std::size_t at = 0; at + 4 <= encoded.size(); at += 4) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      three = three << 6U | static_cast<std::uint32_t>(encoded[at + i] == '=' ? 0 : digits.find(encoded[at + i]));
    }
    for (const unsigned shift : {16U, 8U, 0U}) {
      bytes += static_cast<char>(three >> shift);
    }
  }
  std::vector<float> numbers(bytes.size() / 4);
  std::memcpy(numbers.data(), bytes.data(), 4 * numbers.size());
  return numbers;
}

TEST_CASE("TRL's sequences: the likeliest of each place behind a prompt, as JSON and as arrays") {
  const RunningServer server(one(tabular_engine()));
  const json body = {{"sequences", json::array({kIds, {1, 2, 3}})},
                     {"prompt_lengths", {4, 1}},
                     {"top_logprobs", 3},
                     {"temperature", 1.0}};
  const json told = server.reply("/get_sequence_logprobs/", body);
  const std::vector<double> own = expected_log_probs(server);
  REQUIRE(told["logprobs"].size() == 2);
  CHECK(told["completion_lengths"] == json({3, 2}));
  REQUIRE(told["logprobs"][0].size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(told["actual_logprobs"][0][i][0].get<double>() == doctest::Approx(own[i + 3]).epsilon(1e-12));
    CHECK(told["actual_token_ids"][0][i][0] == kIds[i + 4]);
    CHECK(told["logprobs"][0][i].size() == 3);
    CHECK(told["logprobs"][0][i][0] >= told["logprobs"][0][i][1]);
  }
  json binary = body;
  binary["response_format"] = "binary";
  const json arrays = server.reply("/get_sequence_logprobs/", binary);
  CHECK(arrays["shape"] == json({2, 3, 3}));
  const std::vector<float> numbers = floats(arrays["logprobs_b64"]);
  REQUIRE(numbers.size() >= 18);
  CHECK(numbers[4] == static_cast<float>(told["logprobs"][0][1][1].get<double>()));
  CHECK(numbers[9] == static_cast<float>(told["logprobs"][1][0][0].get<double>()));
  CHECK(numbers[17] == -std::numeric_limits<float>::infinity());
  CHECK(floats(arrays["actual_logprobs_b64"])[2] == static_cast<float>(own[5]));
  json hotter = body;
  hotter["temperature"] = 2.0;
  hotter["top_logprobs"] = 8;
  double sum = 0.0;
  const json hot = server.reply("/get_sequence_logprobs", hotter)["logprobs"][0][1];
  for (const json& each : hot) {
    sum += std::exp(each.get<double>());
  }
  CHECK(sum == doctest::Approx(1.0).epsilon(1e-9));
  for (const auto& [name, value] : {std::pair<const char*, json>{"prompt_lengths", {4}},
                                    {"prompt_lengths", {0, 1}},
                                    {"prompt_lengths", {8, 1}},
                                    {"temperature", 0},
                                    {"response_format", "xml"},
                                    {"top_logprobs", -1}}) {
    json wrong = body;
    wrong[name] = value;
    CHECK(server.post("/get_sequence_logprobs/", wrong.dump())->status == 400);
  }
}

TEST_CASE("lm-eval's gguf client of its main branch: one token forced by its bias, told of without it") {
  const RunningServer server(one(tabular_engine()));
  const std::vector<double> own = expected_log_probs(server);
  std::size_t greedy = 0;
  for (std::size_t i = 1; i < kIds.size(); ++i) {
    json before = kIds;
    before.erase(before.begin() + static_cast<std::ptrdiff_t>(i), before.end());
    const json entry = server.reply("/v1/completions", {{"prompt", before},
                                                        {"temperature", 0},
                                                        {"max_tokens", 1},
                                                        {"logprobs", 2},
                                                        {"logit_bias", json::array({json::array({kIds[i], 100})})},
                                                        {"id_slot", 0}})["choices"][0]["logprobs"]["content"][0];
    CHECK(entry["id"] == kIds[i]);
    CHECK(entry["logprob"].get<double>() == doctest::Approx(own[i - 1]).epsilon(1e-12));
    CHECK(entry["bytes"] == json({'[', '0' + kIds[i].get<int>(), ']'}));
    REQUIRE(entry["top_logprobs"].size() >= 2);
    CHECK(entry["top_logprobs"][0]["logprob"] >= entry["top_logprobs"][1]["logprob"]);
    greedy += entry["top_logprobs"][0]["id"] == kIds[i] ? 1 : 0;
  }
  CHECK(greedy < kIds.size() - 1);
  // A bias that forbids the likeliest gives the next.
  const json free =
      server.reply("/v1/completions", {{"prompt", {1, 2}}, {"temperature", 0}, {"max_tokens", 1}, {"logprobs", 3}});
  const json& top = free["choices"][0]["logprobs"]["content"][0]["top_logprobs"];
  const json forbidden =
      server.reply("/v1/completions", {{"prompt", {1, 2}},
                                       {"temperature", 0},
                                       {"max_tokens", 1},
                                       {"logprobs", 3},
                                       {"logit_bias", {{std::to_string(top[0]["id"].get<int>()), false}}}});
  CHECK(forbidden["choices"][0]["logprobs"]["content"][0]["id"] == top[1]["id"]);
  CHECK(free["choices"][0]["logprobs"]["top_logprobs"][0].size() == 3);
  for (const json& bias : {json{{"x", 1}}, json{{"1", "a"}}, json::array({1}), json::array({json::array({1})}),
                           json::array({json::array({-1, 1})}), json::array({json::array({99, 1})})}) {
    const json body = {{"prompt", {1, 2}}, {"temperature", 0}, {"max_tokens", 1}, {"logit_bias", bias}};
    CHECK_MESSAGE(server.post("/v1/completions", body.dump())->status == 400, bias.dump());
  }
  CHECK(server.post("/v1/completions", R"({"prompt": [1], "max_tokens": 3, "logit_bias": [[1, 2]]})")->status == 400);
}

TEST_CASE("text to tokens and back, as llama-server and vLLM have it") {
  const RunningServer server(one(tabular_engine()));
  CHECK(server.reply("/tokenize", {{"content", "[3][4]"}, {"add_special", false}})["tokens"] == json({3, 4}));
  CHECK(server.reply("/tokenize", {{"prompt", "[3][4]"}, {"add_special_tokens", false}})["count"] == 2);
  CHECK(server.reply("/tokenize", {{"content", "[3]"}, {"with_pieces", true}})["tokens"] ==
        json::array({{{"id", 3}, {"piece", "[3]"}}}));
  CHECK(server.reply("/tokenize", {{"content", ""}})["tokens"] == json::array());
  CHECK(server.reply("/detokenize", {{"tokens", {3, 4}}})["content"] == "[3][4]");
  CHECK(server.reply("/detokenize", {{"tokens", {3, 4}}})["prompt"] == "[3][4]");
  CHECK(server.reply("/detokenize", {{"tokens", {3, 4}}, {"with_pieces", true}})["tokens"] ==
        json::parse(R"([{"id":3,"piece":"[3]"},{"id":4,"piece":"[4]"}])"));
  CHECK(server.post("/tokenize", R"({"content": "[1]", "parse_special": false})")->status == 400);
  CHECK(server.post("/detokenize", R"({"tokens": [99]})")->status == 400);
  CHECK(json::parse(server.client().Get("/props")->body)["total_slots"] > 1);
  CHECK(json::parse(server.client().Get("/tokenizer_info")->body) ==
        json({{"bos_token", nullptr}, {"eos_token", nullptr}, {"pad_token", nullptr}, {"chat_template", nullptr}}));
}

TEST_CASE("a field that would change a completion is refused by name") {
  const RunningServer server(one(tabular_engine()));
  const json drawn = {{"prompt", "[1]"}, {"max_tokens", 1}};
  for (const auto& [name, value] : {std::pair<const char*, json>{"top_k", 3},
                                    {"min_p", 0.1},
                                    {"grammar", "root ::= x"},
                                    {"ignore_eos", true},
                                    {"repetition_penalty", 1.1},
                                    {"n_predict", 3},
                                    {"stop_token_ids", {1}}}) {
    json body = drawn;
    body[name] = value;
    const auto result = server.post("/v1/completions", body.dump());
    CHECK(result->status == 400);
    CHECK(result->body.find(name) != std::string::npos);
  }
  json neutral = drawn;
  neutral.update({{"top_k", -1}, {"min_p", 0}, {"repetition_penalty", 1.0}, {"ignore_eos", false}, {"user", "me"}});
  CHECK(server.post("/v1/completions", neutral.dump())->status == 200);
  neutral.update({{"top_k", 3}, {"temperature", 0}});  // the likeliest is among any three
  CHECK(server.post("/v1/completions", neutral.dump())->status == 200);
}

TEST_CASE("keys of tokens that are parts of characters are distinct") {
  CHECK(token_key("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(token_key("\xC3") == "bytes:\\xc3");
  ToldToken token{
      5, "\xC3", -1.0, {{4, "\xA9", -0.5, {}}, {5, "\xC3", -1.0, {}}, {6, "x", -2.0, {}}, {7, "x", -3.0, {}}}};
  const Json top = top_log_probs(token, 4);
  CHECK(top == Json{{"bytes:\\xc3", -1.0}, {"bytes:\\xa9", -0.5}, {"x", -2.0}, {"token_id:7", -3.0}});
  CHECK(top_log_probs(token, 1) == Json{{"bytes:\\xc3", -1.0}, {"bytes:\\xa9", -0.5}});
  const Json content = content_log_probs(std::span(&token, 1), 1)[0];
  CHECK(content["bytes"] == Json::array({0xC3}));
  CHECK(content["top_logprobs"].size() == 2);
}

}  // namespace
}  // namespace endorm
