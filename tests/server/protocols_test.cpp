#include <sstream>

#include <doctest/doctest.h>

#include "app/server/protocol.h"
#include "core/reward.h"
#include "tests/server/running_server.h"

// What each client sends, as its own source writes it, and what it reads from the reply. Numbers are those of the
// scorer without a server.
namespace endorm {
namespace {

using nlohmann::json;

const std::string kPrompt = "[1][2]";
const std::string kGood = "[3][4][5]";
const std::string kOther = "[5][0]";

TEST_CASE("OpenRLHF: queries with their prompts, whatever a decoder put before them") {
  const RunningServer server(one(tabular_engine()));
  const json reply = server.reply("/get_reward", {{"query", {kPrompt + kGood, "[0]" + kPrompt + kOther}},
                                                  {"prompts", {kPrompt, kPrompt}},
                                                  {"labels", {"x", nullptr}}});
  REQUIRE(reply["rewards"].size() == 2);
  CHECK(reply["rewards"][0] == scored_alone(kPrompt, kGood, true));
  CHECK(reply["rewards"][1] == scored_alone(kPrompt, kOther, true));
  CHECK(reply["scores"] == reply["rewards"]);
  CHECK(reply["extra_logs"]["endorm_tokens"] == json({3.0, 2.0}));
  // Without prompts the last turn of the text is the response.
  const json whole = server.reply("/get_reward", {{"query", {kPrompt + "[7][6]" + kGood}}});
  CHECK(whole["rewards"][0] == scored_alone(kPrompt + "[7][6]", kGood, true));
}

TEST_CASE("slime reads a bare number") {
  const RunningServer server(one(tabular_engine()));
  CHECK(server.reply("/remote_rm", {{"prompt", kPrompt}, {"response", kGood}, {"label", "5"}}) ==
        scored_alone(kPrompt, kGood, true));
  CHECK(server.reply("/remote_rm", {{"prompt", {{{"role", "user"}, {"content", kPrompt}}}}, {"response", kGood}}) ==
        scored_alone(kPrompt, kGood));
}

TEST_CASE("LLaMA-Factory sends whole texts and reads scores") {
  const RunningServer server(one(tabular_engine()));
  const json reply = server.reply("/v1/score/evaluation",
                                  {{"model", "model"}, {"messages", {kPrompt + "[7][6]" + kGood, "[7][6]" + kOther}}});
  CHECK(reply["object"] == "score.evaluation");
  CHECK(reply["scores"] == json({scored_alone(kPrompt + "[7][6]", kGood, true), scored_alone("[7][6]", kOther, true)}));
}

TEST_CASE("verl with vLLM reads data[-1].probs[-1], with SGLang data[-1].embedding[-1]") {
  const RunningServer server(one(tabular_engine()));
  const std::string text = kPrompt + "[7][6]" + kGood;
  const double reward = scored_alone(kPrompt + "[7][6]", kGood, true);
  const json classified = server.reply("/classify", {{"model", "any"}, {"input", text}, {"use_activation", false}});
  CHECK(classified["data"].back()["probs"].back() == reward);
  CHECK(classified["object"] == "list");
  CHECK(server.reply("/classify", {{"input", text}, {"use_activation", true}})["data"][0]["probs"][0] ==
        preference_probability(reward, 0.0));
  CHECK(server.reply("/v1/classify", {{"input", {text, text}}})["data"].size() == 2);
  CHECK(server.reply("/v1/embeddings", {{"model", "any"}, {"input", text}})["data"].back()["embedding"].back() ==
        reward);
  CHECK(server.reply("/classify", {{"text", {text}}})[0]["embedding"][0] == reward);
  const json messages = {{{"role", "user"}, {"content", kPrompt}}, {{"role", "assistant"}, {"content", kGood}}};
  CHECK(server.reply("/classify", {{"messages", messages}})["data"][0]["probs"][0] == scored_alone(kPrompt, kGood));
}

TEST_CASE("vLLM's pooling gives token rewards") {
  const RunningServer server(one(tabular_engine()));
  const std::string text = kPrompt + "[7][6]" + kGood;
  const json tokens = server.reply("/pooling", {{"input", text}, {"task", "token_classify"}})["data"][0]["data"];
  const json whole = server.reply(
      "/v1/rewards", {{"prompt", kPrompt + "[7][6]"}, {"response", kGood}, {"options", {{"text", "raw"}}}});
  REQUIRE(tokens.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(tokens[i][0] == whole["responses"][0]["token_rewards"]["reward"][i]);
  }
  CHECK(server.reply("/pooling", {{"input", text}})["data"][0]["data"][0] == whole["responses"][0]["reward"]);
  CHECK(server.post("/pooling", R"({"input": "[7][6][1]", "task": "embed"})")->status == 400);
}

TEST_CASE("score and rerank: one query to many documents, best first, as many as asked for") {
  const RunningServer server(one(tabular_engine()));
  const double good = scored_alone(kPrompt, kGood);
  const double other = scored_alone(kPrompt, kOther);
  const json scores = server.reply("/score", {{"queries", kPrompt}, {"documents", {kGood, kOther}}})["data"];
  CHECK(scores[0]["score"] == good);
  CHECK(scores[1]["score"] == other);
  CHECK(server.reply("/v1/score", {{"text_1", kPrompt}, {"text_2", {kGood}}})["data"][0]["score"] == good);
  const std::size_t best = good >= other ? 0 : 1;
  for (const char* path : {"/rerank", "/v1/rerank", "/v2/rerank"}) {
    const json results =
        server.reply(path, {{"query", kPrompt}, {"documents", {kGood, {{"text", kOther}}}}, {"top_n", 1}})["results"];
    REQUIRE(results.size() == 1);
    CHECK(results[0]["index"] == best);
    CHECK(results[0]["relevance_score"] == std::max(good, other));
  }
  const json inference = server.reply(
      "/rerank", {{"query", kPrompt}, {"texts", {kGood, kOther}}, {"raw_scores", true}, {"return_text", true}});
  CHECK(inference[0]["index"] == best);
  CHECK(inference[0]["text"] == (best == 0 ? kGood : kOther));
}

TEST_CASE("text-embeddings-inference's predict: a text, a pair, many pairs") {
  const RunningServer server(one(tabular_engine()));
  const double good = scored_alone(kPrompt, kGood);
  CHECK(server.reply("/predict", {{"inputs", json::array({kPrompt, kGood})}, {"raw_scores", true}})[0]["score"] ==
        good);
  CHECK(server.reply("/predict", {{"inputs", json::array({kPrompt, kGood})}})[0]["score"] ==
        preference_probability(good, 0.0));
  const json many = server.reply(
      "/predict",
      {{"inputs", json::array({json::array({kPrompt, kGood}), json::array({kPrompt, kOther})})}, {"raw_scores", true}});
  REQUIRE(many.size() == 2);
  CHECK(many[0][0]["score"] == good);
}

TEST_CASE("NeMo Gym gets back what it sent, and the reward") {
  const RunningServer server(one(tabular_engine()));
  const json body = {
      {"responses_create_params",
       {{"input", {{{"role", "user"}, {"content", {{{"type", "input_text"}, {"text", kPrompt}}}}}}}}},
      {"response",
       {{"output",
         {{{"type", "reasoning"}, {"summary", json::array()}},
          {{"type", "message"}, {"role", "assistant"}, {"content", {{{"type", "output_text"}, {"text", kGood}}}}}}}}},
      {"task", 7}};
  json expected = body;
  expected["reward"] = scored_alone(kPrompt, kGood);
  CHECK(server.reply("/verify", body) == expected);
}

TEST_CASE("NeMo Gym's fields that are null are fields that are missing") {
  const RunningServer server(one(tabular_engine()));
  const json body = {
      {"responses_create_params", {{"input", {{{"role", "user"}, {"content", kPrompt}, {"type", nullptr}}}}}},
      {"response",
       {{"status", nullptr},
        {"incomplete_details", nullptr},
        {"output", {{{"type", nullptr}, {"content", {{{"type", "output_text"}, {"text", kGood}}}}}}}}}};
  CHECK(server.reply("/verify", body)["reward"] == scored_alone(kPrompt, kGood));
}

TEST_CASE("/v1/rewards: options, many records, one bad response, a stream of lines") {
  const RunningServer server(one(tabular_engine()));
  ScoreOptions mean;
  mean.aggregate.kind = Aggregation::kMean;
  mean.alpha = 0.5;
  const json reply = server.reply("/v1/rewards", {{"prompt", kPrompt},
                                                  {"responses", {kGood, "no token"}},
                                                  {"options", {{"aggregation", "mean"}, {"alpha", 0.5}}}});
  CHECK(reply["responses"][0]["reward"] == scored_alone(kPrompt, kGood, false, mean));
  CHECK(reply["responses"][1].contains("error"));
  CHECK(reply["model"] == "tabular0");
  const json at_one = server.reply(
      "/v1/rewards",
      {{"prompt", kPrompt}, {"response", kGood}, {"options", {{"aggregation", "mean"}, {"also_alphas", {0.5, 2}}}}});
  mean.alpha = 1.0;
  CHECK(at_one["responses"][0]["reward"] == scored_alone(kPrompt, kGood, false, mean));
  const json records = {{{"id", "a"}, {"prompt", kPrompt}, {"response", kGood}},
                        {{"id", "b"}, {"prompt", kPrompt}, {"chosen", kOther}, {"rejected", kGood}}};
  const json rows = server.reply("/v1/rewards", {{"records", records}})["rows"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["responses"][0]["reward"] == scored_alone(kPrompt, kGood));
  CHECK(rows[1]["responses"][1]["reward"] == rows[0]["responses"][0]["reward"]);
  const auto lines = server.post("/v1/rewards", json{{"records", records}, {"stream", true}}.dump());
  CHECK(lines->get_header_value("Content-Type") == "application/x-ndjson");
  std::istringstream each(lines->body);
  for (const json& row : rows) {
    std::string line;
    REQUIRE(std::getline(each, line));
    CHECK(json::parse(line) == row);
  }
  CHECK(lines->body.ends_with("}\n"));
}

TEST_CASE("completions: echo gives the log-probabilities of the caller's text") {
  const RunningServer server(one(tabular_engine()));
  const json choice = server.reply("/v1/completions", {{"prompt", kPrompt + kGood},
                                                       {"echo", true},
                                                       {"logprobs", 10},
                                                       {"max_tokens", 1},
                                                       {"temperature", 0.0}})["choices"][0];
  const json& log_probs = choice["logprobs"];
  CHECK(log_probs["tokens"].size() == 6);
  CHECK(log_probs["text_offset"] == json({0, 3, 6, 9, 12, 15}));
  CHECK(log_probs["token_logprobs"][0].is_null());
  const json row =
      server.reply("/v1/rewards", {{"prompt", kPrompt}, {"response", kGood}, {"options", {{"text", "raw"}}}});
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(log_probs["token_logprobs"][i + 2].get<double>() ==
          doctest::Approx(row["responses"][0]["token_rewards"]["log_prob"][i].get<double>()).epsilon(1e-12));
  }
  // The likeliest token stands beside each; it is the last one's own.
  for (std::size_t i = 1; i < 6; ++i) {
    double best = -1e9;
    for (const auto& [token, log_prob] : log_probs["top_logprobs"][i].items()) {
      best = std::max(best, log_prob.get<double>());
    }
    CHECK(best >= log_probs["token_logprobs"][i].get<double>());
  }
  const json next = server.reply("/v1/completions",
                                 {{"prompt", kPrompt + kGood}, {"max_tokens", 3}, {"temperature", 0}})["choices"][0];
  CHECK(next["text"].get<std::string>().substr(0, 3) == choice["text"].get<std::string>().substr(15));
  CHECK(server.reply("/v1/completions",
                     {{"prompt", kPrompt}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 0}})["choices"][0]["text"] ==
        kPrompt);
}

TEST_CASE("completions: a text ends before its stop string, and its tokens with it") {
  const RunningServer server(one(tabular_engine()));
  json body = {{"prompt", kPrompt}, {"max_tokens", 40}, {"seed", 3}, {"logprobs", 0}};
  const json whole = server.reply("/v1/completions", body);
  const std::string text = whole["choices"][0]["text"];
  REQUIRE(text.size() >= 12);
  struct Case {
    std::string stop;
    bool echo;
  };
  for (const auto& [stop, echo] : {Case{text.substr(6, 6), false}, Case{text.substr(7, 3), false},
                                   Case{text.substr(6, 6), true}, Case{text.substr(0, 3), false}}) {
    CAPTURE(stop);
    body["stop"] = {"not there", stop};
    body["echo"] = echo;
    const json reply = server.reply("/v1/completions", body);
    const json& choice = reply["choices"][0];
    CHECK(choice["finish_reason"] == "stop");
    const std::size_t end = text.find(stop);
    CHECK(choice["text"] == (echo ? kPrompt : "") + text.substr(0, end));
    std::string of_tokens;
    for (const json& token : choice["logprobs"]["tokens"]) {
      CHECK(choice["logprobs"]["text_offset"][of_tokens.size() / 3] == of_tokens.size());
      of_tokens += token;
    }
    CHECK(of_tokens.starts_with(choice["text"].get<std::string>()));
    CHECK(of_tokens.size() < choice["text"].get<std::string>().size() + 3);  // no token lies behind the text
    CHECK(choice["logprobs"]["token_logprobs"].size() == of_tokens.size() / 3);
    CHECK(reply["usage"]["completion_tokens"] == (end + stop.size() + 2) / 3);  // those of the stop string were drawn
  }
  body["echo"] = false;
  body["stop"] = json::array();  // none
  CHECK(server.reply("/v1/completions", body)["choices"][0]["text"] == text);
  body["stop"] = json::object();
  CHECK(server.post("/v1/completions", body.dump())->status == 400);
  // The one greedy token comes out of another pass.
  json one_token = {{"prompt", kPrompt}, {"max_tokens", 1}, {"temperature", 0}};
  const std::string likeliest = server.reply("/v1/completions", one_token)["choices"][0]["text"];
  one_token["stop"] = likeliest.substr(1);
  const json stopped = server.reply("/v1/completions", one_token)["choices"][0];
  CHECK(stopped["text"] == likeliest.substr(0, 1));
  CHECK(stopped["finish_reason"] == "stop");
}

TEST_CASE("a body that is not of its protocol is refused with the name of what is wrong") {
  const RunningServer server(one(tabular_engine()));
  const std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> cases = {
      {"/get_reward",
       {{"{}", "query"},
        {R"({"query": 5})", "query"},
        {R"({"query": []})", "query"},
        {R"({"query": ["[1]"], "prompts": ["[1]", "[2]"]})", "prompts"},
        {R"({"query": ["[1][2]"]})", "query[0]"}}},
      {"/remote_rm", {{R"({"prompt": "[1]"})", "response"}, {R"({"prompt": "[1]", "response": ""})", "empty"}}},
      {"/v1/rewards",
       {{"[]", "array"},
        {"{", "byte"},
        {"", "byte"},
        {R"({"prompt": "[1]"})", "response"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"gama": 1}})", "gama"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"gamma": 2}})", "gamma"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"alpha": 0}})", "alpha"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"also_alphas": 2}})", "also_alphas"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"also_alphas": [1, "2"]}})", "also_alphas"},
        {R"({"prompt": "[1]", "response": "[2]", "options": {"also_alphas": [-1]}})", "alpha"},
        {R"({"prompt": "[1]", "response": "[2]", "stream": 1})", "stream"},
        {R"({"prompt": "[1]", "records": [{"prompt": "[1]", "response": "[2]"}]})", "prompt"},
        {R"({"prompt": "[1]", "response": "[2]", "other": 1})", "other"}}},
      {"/score", {{R"({"queries": ["[1]", "[2]"], "documents": ["[1]"]})", "documents"}}},
      {"/rerank",
       {{R"({"query": "[1]", "documents": []})", "documents"},
        {R"({"query": "[1]", "documents": ["[2]"], "top_n": -1})", "top_n"}}},
      {"/predict", {{R"({"inputs": [1, 2]})", "inputs"}}},
      {"/verify",
       {{R"({"response": {"output": []}})", "responses_create_params"},
        {R"({"responses_create_params": {"input": "[1]"}, "response": {"status": 5, "output": []}})", "status"},
        {R"({"responses_create_params": {"input": "[1]"}, "response": {"output": [{"type": 5}]}})", "type"},
        {R"({"responses_create_params": {"input": [{"role": "user", "content": "[1]", "type": 5}]},
             "response": {"output": []}})",
         "type"}}},
      {"/v1/completions",
       {{R"({"prompt": ""})", "empty"},
        {R"({"prompt": "[1]", "n": 3})", "\"n\""},
        {R"({"prompt": "[1]", "temperature": -1, "max_tokens": 0})", "temperature"},
        {R"({"prompt": "[1]", "echo": "yes"})", "echo"},
        {R"({"prompt": "[1]", "presence_penalty": 1})", "presence_penalty"},
        {R"({"prompt": "[1]", "max_tokens": 1000})", "context"},
        {R"({"prompt": "[1]", "max_tokens": 18446744073709551615})", "context"}}}};
  for (const auto& route : cases) {
    const std::string& path = route.first;
    for (const auto& one_body : route.second) {
      const std::string& body = one_body.first;
      const std::string& named = one_body.second;
      CAPTURE(path);
      CAPTURE(body);
      const auto result = server.post(path, body);
      CHECK(result->status == 400);
      const std::string message = json::parse(result->body)["error"]["message"];
      CHECK_MESSAGE(message.find(named) != std::string::npos, message);
    }
  }
}

}  // namespace
}  // namespace endorm
