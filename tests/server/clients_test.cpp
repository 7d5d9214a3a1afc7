#include <cmath>
#include <cstring>
#include <mutex>

#include <doctest/doctest.h>

#include "core/reward.h"
#include "tests/server/running_server.h"

// What clients send beside the plain case, as their sources write it: other spellings, rows that cannot be scored,
// fields that would change an answer, and what they ask before and behind.
namespace endorm {
namespace {

using nlohmann::json;

const std::string kAsked = "[1][2]";
const std::string kOpened = "[1][2][7][6]";
const std::string kBetter = "[3][4][5]";
const std::string kWorse = "[5][0]";

double better() { return scored_alone(kOpened, kBetter, true); }

TEST_CASE("LightRFT: queries with prompts and references, and no images") {
  const RunningServer server(one(tabular_engine()));
  const json body = {{"queries", {kOpened + kBetter, kOpened + kWorse}},
                     {"prompts", {kOpened, kOpened}},
                     {"references", {"a", "b"}},
                     {"images", {nullptr, json::array()}}};
  const json rewards = server.reply("/get_reward", body)["rewards"];
  CHECK(rewards == json({better(), scored_alone(kOpened, kWorse, true)}));
  json images = body;
  images["images"][1] = {"/9j/4AAQ"};
  const auto refused = server.post("/get_reward", images.dump());
  CHECK(refused->status == 400);
  CHECK(refused->body.find("images") != std::string::npos);
  json both = body;
  both["query"] = body["queries"];
  CHECK(server.post("/get_reward", both.dump())->status == 400);
}

TEST_CASE("align-anything: prompts and responses as people wrote them") {
  const RunningServer server(one(tabular_engine()));
  const json reply = server.reply("/get_reward", {{"prompts", {kAsked, kAsked}}, {"responses", {kBetter, kWorse}}});
  CHECK(reply["rewards"] == json({scored_alone(kAsked, kBetter), scored_alone(kAsked, kWorse)}));
  CHECK(server.post("/get_reward", json{{"prompts", {kAsked}}, {"responses", {kBetter, kWorse}}}.dump())->status ==
        400);
}

TEST_CASE("one bad row of a batch costs its neighbours nothing") {
  const RunningServer server(one(tabular_engine()));
  const std::string bad = "[1][2]";  // holds no turn of the model
  const json texts = {kOpened + kBetter, bad, kOpened + kBetter};
  const json row = {better(), nullptr, better()};
  const json reply = server.reply("/get_reward", {{"query", texts}});
  CHECK(reply["rewards"] == row);
  CHECK(reply["scores"] == row);
  CHECK(reply["extra_logs"]["endorm_tokens"] == json({3.0, 0.0, 3.0}));
  CHECK(reply["extra_logs"]["endorm_log_prob"][1].is_null());
  CHECK_FALSE(reply["extra_logs"].contains("endorm_unscored"));
  REQUIRE(reply["errors"].size() == 1);
  CHECK(reply["errors"][0]["index"] == 1);
  CHECK(reply["errors"][0]["error"].get<std::string>().find("query[1]") != std::string::npos);

  const json classified = server.reply("/classify", {{"input", texts}})["data"];
  CHECK(classified[0]["probs"] == json({better()}));
  CHECK(classified[1]["probs"] == json::array({nullptr}));
  CHECK(classified[1]["error"].get<std::string>().find("input[1]") != std::string::npos);
  CHECK_FALSE(classified[2].contains("error"));
  CHECK(server.reply("/classify", {{"text", texts}})[1]["embedding"] == json::array({nullptr}));
  CHECK(server.reply("/v1/embeddings", {{"input", texts}})["data"][1]["embedding"] == json::array({nullptr}));
  CHECK(server.reply("/pooling", {{"input", texts}})["data"][1]["data"] == json::array({nullptr}));
  const json tokens = server.reply("/pooling", {{"input", texts}, {"task", "token_classify"}})["data"];
  CHECK(tokens[0]["data"].size() == 3);
  CHECK(tokens[1]["data"] == json::array({json::array({nullptr})}));
  const json scores = server.reply("/score", {{"queries", kAsked}, {"documents", {kBetter, "", kWorse}}})["data"];
  CHECK(scores[0]["score"] == scored_alone(kAsked, kBetter));
  CHECK(scores[1]["score"].is_null());
  CHECK(scores[2]["score"] == scored_alone(kAsked, kWorse));
  const json ranked = server.reply("/rerank", {{"query", kAsked}, {"documents", {"", kBetter, kWorse}}})["results"];
  REQUIRE(ranked.size() == 3);
  CHECK(ranked[2]["index"] == 0);
  CHECK(ranked[2]["relevance_score"].is_null());
  CHECK(ranked[2].contains("error"));
  const json predicted = server.reply(
      "/predict", {{"inputs", {json::array({kAsked, kBetter}), json::array({bad})}}, {"raw_scores", true}});
  CHECK(predicted[0][0]["score"] == scored_alone(kAsked, kBetter));
  CHECK(predicted[1][0]["score"].is_null());
  const std::string metrics = server.client().Get("/metrics")->body;
  CHECK(metrics.find("endorm_texts_noted_total{model=\"tabular0\",kind=\"unscored\"} 9") != std::string::npos);
  // Where nothing could be scored, the request is at fault.
  CHECK(server.post("/get_reward", json{{"query", {bad, bad}}}.dump())->status == 400);
  // A row of another type is no body of the protocol.
  CHECK(server.post("/get_reward", json{{"query", {kOpened + kBetter, 5}}}.dump())->status == 400);
}

TEST_CASE("LLaMA-Factory has a number for every text, NaN for one that cannot be cut") {
  const RunningServer server(one(tabular_engine()));
  const auto reply = server.post("/v1/score/evaluation", json{{"messages", {kOpened + kBetter, "[1]"}}}.dump());
  CHECK(reply->status == 200);
  CHECK(reply->body.ends_with(",NaN]}"));
  CHECK(reply->body.find("\"scores\":[" + json(better()).dump() + ",NaN]") != std::string::npos);
  CHECK(reply->body.find("messages[1]") != std::string::npos);
  const std::string foreign = "<|start_header_id|>assistant<|end_header_id|>\n\nYes.";
  for (const std::string& bad : {std::string("[1]"), kOpened, foreign}) {
    const auto alone = server.post("/v1/score/evaluation", json{{"messages", {bad}}}.dump());
    CHECK(alone->status == 200);
    CHECK(alone->body.ends_with("\"scores\":[NaN]}"));
  }
}

TEST_CASE("--unscored stands for rows that cannot be scored, on every route of numbers") {
  const RunningServer server(one(tabular_engine()), {}, {}, -20.5);
  const std::string bad = "[1]";
  CHECK(server.reply("/v1/score/evaluation", {{"messages", {kOpened + kBetter, bad}}})["scores"] ==
        json({better(), -20.5}));
  const json rewards = server.reply("/get_reward", {{"query", {kOpened + kBetter, bad}}});
  CHECK(rewards["rewards"] == json({better(), -20.5}));
  CHECK(rewards["extra_logs"]["endorm_unscored"] == json({0.0, 1.0}));
  CHECK(rewards["extra_logs"]["endorm_log_prob"][1] == -20.5);
  CHECK(server.reply("/get_reward", {{"query", {bad}}})["rewards"] == json({-20.5}));
  CHECK(server.reply("/remote_rm", {{"prompt", kAsked}, {"response", ""}}) == -20.5);
  CHECK(server.reply("/classify", {{"input", bad}})["data"][0]["probs"] == json({-20.5}));
  CHECK(server.reply("/v1/embeddings", {{"input", bad}})["data"][0]["embedding"] == json({-20.5}));
  const json verified = server.reply("/verify", {{"responses_create_params", {{"input", kAsked}}},
                                                 {"response", {{"output", {{{"type", "message"}, {"content", ""}}}}}}});
  CHECK(verified["reward"] == -20.5);
  CHECK(verified["failure_reason"].get<std::string>().find("empty") != std::string::npos);
}

TEST_CASE("NeMo Gym: sessions, a string as input, figures of rollouts, verifying again") {
  const RunningServer server(one(tabular_engine()));
  CHECK(server.reply("/seed_session", {{"responses_create_params", {{"input", "x"}}}, {"task", 3}}) == json::object());
  CHECK(server.reply("/close_session", {{"_ng_session_id", "s"}})["released"] == true);
  CHECK(json::parse(server.client().Get("/reverify_mode")->body) == "stateless");
  const json output = json::array({{{"type", "message"}, {"role", "assistant"}, {"content", kBetter}}});
  const json body = {{"responses_create_params", {{"input", kAsked}}}, {"response", {{"output", output}}}};
  CHECK(server.reply("/verify", body)["reward"] == scored_alone(kAsked, kBetter));
  // Expected figures: NeMo Gym 0.4's own, compute_aggregate_metrics of the same responses.
  const json metrics = server.reply(
      "/aggregate_metrics",
      {{"verify_responses",
        {{{"_ng_task_index", 1}, {"_ng_rollout_index", 0}, {"reward", -1.0}, {"right", true}, {"note", "x"}},
         {{"_ng_task_index", 1}, {"_ng_rollout_index", 1}, {"reward", -2.0}, {"right", false}},
         {{"_ng_task_index", 0}, {"reward", -4.5}, {"right", true}, {"response", {{"usage", {{"tokens", 7}}}}}}}}});
  CHECK(metrics["agent_metrics"]["mean/reward"] == -2.5);
  CHECK(metrics["agent_metrics"]["median/reward"] == -2.0);
  CHECK(metrics["agent_metrics"]["min/reward"] == -4.5);
  CHECK(metrics["agent_metrics"]["max/reward"] == -1.0);
  CHECK(metrics["agent_metrics"]["std/reward"].get<double>() == doctest::Approx(1.8027756377319946));
  CHECK(metrics["agent_metrics"]["mean/tokens"] == 7.0);
  CHECK(metrics["key_metrics"]["mean/right"].get<double>() == doctest::Approx(2.0 / 3.0));
  REQUIRE(metrics["group_level_metrics"].size() == 2);
  CHECK(metrics["group_level_metrics"][0]["_ng_task_index"] == 0);
  CHECK(metrics["group_level_metrics"][0]["std/reward"] == 0.0);
  CHECK(metrics["group_level_metrics"][1]["mean/reward"] == -1.5);
  CHECK(metrics["group_level_metrics"][1]["rollout_infos"][1]["rollout_id"] == "1:1");
  CHECK(server.reply("/aggregate_metrics", {{"verify_responses", json::array()}})["key_metrics"] == json::object());
  CHECK(server.post("/aggregate_metrics", R"({"verify_responses": [5]})")->status == 400);
}

// What its environment servers take a session for.
TEST_CASE("NeMo Gym: a session that is named has its name again, a cookie, and a path within its rollout") {
  const RunningServer server(one(tabular_engine()));
  const json named = {{"resources_session_id", "resources-session-1\r\nX: y"},
                      {"episode_id", {{"rollout_id", "0-0"}, {"attempt", 0}}},
                      {"task_id", {{"taskset", "t"}, {"task_id", "0"}}},
                      {"task_data", {{"expected", "x"}}}};
  const json only = {{"resources_session_id", named["resources_session_id"]}};
  const auto seeded = server.post("/seed_session", named.dump());
  CHECK(json::parse(seeded->body) == only);
  const std::string cookie = seeded->get_header_value("Set-Cookie");
  CHECK(cookie.starts_with("session="));
  CHECK(server.post("/seed_session", named.dump())->get_header_value("Set-Cookie") != cookie);
  CHECK(server.reply("/close_session", only) == only);
  CHECK(server.post("/seed_session", R"({"resources_session_id": 1})")->status == 400);

  const json output = json::array({{{"type", "message"}, {"role", "assistant"}, {"content", kBetter}}});
  const json body = {{"responses_create_params", {{"input", kAsked}}}, {"response", {{"output", output}}}};
  CHECK(server.reply("/ng-rollout/0-0/verify", body)["reward"] == scored_alone(kAsked, kBetter));
  CHECK(server.reply("/ng-rollout/0-0/seed_session", named) == only);
  for (const char* path : {"/ng-rollout/0-0/metrics", "/ng-rollout/0-0/classify", "/ng-rollout/verify", "/ng-rollout/",
                           "/ng-rollout/0-0/more/verify"}) {
    CHECK_MESSAGE(server.post(path, body.dump())->status == 404, path);
  }
  CHECK(server.client().Get("/metrics")->body.find("route=\"/verify\"") != std::string::npos);
}

TEST_CASE("vLLM's score in all its spellings, and as a probability where it is asked for") {
  const RunningServer server(one(tabular_engine()));
  const json expected = {scored_alone(kAsked, kBetter), scored_alone(kAsked, kWorse)};
  for (const auto& [first, second] :
       {std::pair{"queries", "documents"}, {"queries", "items"}, {"text_1", "text_2"}, {"data_1", "data_2"}}) {
    const json data = server.reply("/score", {{first, kAsked}, {second, {kBetter, kWorse}}})["data"];
    CHECK(data[0]["score"] == expected[0]);
    CHECK(data[1]["score"] == expected[1]);
    CHECK(server.reply("/score", {{first, {kAsked}}, {second, kBetter}})["data"][0]["score"] == expected[0]);
  }
  CHECK(
      server.reply("/score", {{"text_1", kAsked}, {"text_2", kBetter}, {"use_activation", true}})["data"][0]["score"] ==
      preference_probability(expected[0], 0.0));
  CHECK(server.post("/score", json{{"text_1", "[1]"}, {"text_2", "[2]"}, {"queries", "[1]"}, {"items", "[2]"}}.dump())
            ->status == 400);
  const json all = server.reply("/rerank", {{"query", kAsked}, {"documents", {kBetter, kWorse}}, {"top_n", 0}});
  CHECK(all["results"].size() == 2);
}

TEST_CASE("a field that would change the answer is refused by name, and one that would not is said once") {
  ServerOptions options;
  std::mutex mutex;
  std::vector<std::string> said;
  options.say = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    said.push_back(line);
  };
  RunningServer server(one(tabular_engine()), options);
  const std::string text = kOpened + kBetter;  // 21 bytes
  const std::vector<std::tuple<std::string, json, std::string>> refused = {
      {"/classify", {{"input", text}, {"truncate_prompt_tokens", 4}}, "truncate_prompt_tokens"},
      {"/classify", {{"input", text}, {"chat_template", "{{ x }}"}}, "chat_template"},
      {"/classify", {{"input", text}, {"add_generation_prompt", true}}, "add_generation_prompt"},
      {"/v1/embeddings", {{"input", text}, {"dimensions", 3}}, "dimensions"},
      {"/v1/embeddings", {{"input", text}, {"encoding_format", "int8"}}, "encoding_format"},
      {"/pooling", {{"input", text}, {"encoding_format", "base64"}}, "encoding_format"},
      {"/score", {{"text_1", kAsked}, {"text_2", kBetter}, {"truncate_prompt_tokens", 9}}, "truncate_prompt_tokens"},
      {"/rerank", {{"query", kAsked}, {"documents", {kBetter}}, {"max_tokens_per_doc", 8}}, "max_tokens_per_doc"}};
  for (const auto& [path, body, name] : refused) {
    const auto result = server.post(path, body.dump());
    CHECK(result->status == 400);
    CHECK_MESSAGE(result->body.find(name) != std::string::npos, result->body);
  }
  for (const json& neutral : {json{{"truncate_prompt_tokens", 22}}, json{{"truncate_prompt_tokens", -1}},
                              json{{"truncate_prompt_tokens", 64}}, json{{"truncate_prompt_tokens", nullptr}},
                              json{{"add_generation_prompt", false}}, json{{"novel", 1}}, json{{"novel", 2}}}) {
    json body = {{"input", text}};
    body.update(neutral);
    CHECK(server.reply("/classify", body)["data"][0]["probs"][0] == better());
  }
  server.stop();
  const std::lock_guard lock(mutex);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("\"novel\"") != std::string::npos);
}

TEST_CASE("truncation drops a prompt's beginning where that is asked for, and is refused where it is not known how") {
  const RunningServer server(one(tabular_engine()));
  std::string text;
  for (int i = 0; i < 70; ++i) {
    text += "[1]";  // a context has 64 tokens
  }
  text += "[7][6]" + kBetter;
  CHECK(server.post("/classify", json{{"input", text}}.dump())->status == 400);
  const double left = scored_alone(text.substr(text.size() - 64 * 3, 61 * 3), kBetter, true);
  CHECK(server.reply("/classify", {{"input", text}, {"truncate_prompt_tokens", -1}})["data"][0]["probs"][0] == left);
  CHECK(server.post("/predict", json{{"inputs", text}, {"truncate", true}}.dump())->status == 400);
  CHECK(server.reply("/predict", {{"inputs", text},
                                  {"truncate", true},
                                  {"truncation_direction", "left"},
                                  {"raw_scores", true}})[0]["score"] == left);
  CHECK(
      server.reply("/predict", {{"inputs", kOpened + kBetter}, {"truncate", true}, {"raw_scores", true}})[0]["score"] ==
      better());
}

TEST_CASE("OpenAI's client asks for embeddings in base64: four bytes a number") {
  const RunningServer server(one(tabular_engine()));
  const json data =
      server.reply("/v1/embeddings", {{"input", kOpened + kBetter}, {"encoding_format", "base64"}})["data"];
  const auto encoded = data[0]["embedding"].get<std::string>();
  REQUIRE(encoded.size() == 8);
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    bits = bits << 6U | digits.find(encoded[i]);
  }
  bits >>= 4U;  // 36 bits hold four bytes
  std::uint32_t little = 0;
  for (unsigned i = 0; i < 4; ++i) {
    little |= static_cast<std::uint32_t>(bits >> (8U * (3U - i)) & 0xFFU) << (8U * i);
  }
  float number = 0.0F;
  std::memcpy(&number, &little, sizeof number);
  CHECK(number == static_cast<float>(better()));
  CHECK(encoded.ends_with("=="));
}

}  // namespace
}  // namespace endorm
