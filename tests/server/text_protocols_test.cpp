#include <mutex>

#include <doctest/doctest.h>

#include "app/server/classify_protocols.h"
#include "app/server/response_items.h"
#include "app/server/rewards_protocol.h"
#include "app/server/trainer_protocols.h"
#include "core/errors.h"
#include "tests/server/running_server.h"

// Whole texts, token ids and messages of every kind, over HTTP.
namespace endorm {
namespace {

using nlohmann::json;

const std::string kAskedFirst = "[1][2]";
const std::string kTurnOpening = "[7][6]";
const std::string kGoodAnswer = "[3][4]";
const std::string kBadAnswer = "[5][0][5]";

std::string metric(const RunningServer& server, const std::string& kind) {
  const std::string text = server.client().Get("/metrics")->body;
  const std::string name = "endorm_texts_noted_total{model=\"tabular0\",kind=\"" + kind + "\"} ";
  const std::size_t at = text.find(name);
  REQUIRE_MESSAGE(at != std::string::npos, text);
  return text.substr(at + name.size(), text.find('\n', at) - at - name.size());
}

TEST_CASE("every route of whole texts gives a spelled opening its reward in the context it was drawn in") {
  const RunningServer server(one(tabular_engine()));
  const std::string spelled = kBadAnswer + kTurnOpening + kGoodAnswer;
  const std::string text = kAskedFirst + kTurnOpening + spelled;
  const double whole = scored_alone(kAskedFirst + kTurnOpening, spelled, true);
  const double moved = scored_alone(text.substr(0, text.size() - kGoodAnswer.size()), kGoodAnswer, true);
  REQUIRE(whole != moved);
  const auto rewards = [&](const json& more) {
    const auto with = [&](json body) {
      body.update(more);
      return body;
    };
    return std::vector<double>{
        server.reply("/get_reward", with({{"query", {text}}}))["rewards"][0],
        server.reply("/v1/score/evaluation", with({{"messages", {text}}}))["scores"][0],
        server.reply("/classify", with({{"input", text}}))["data"][0]["probs"][0],
        server.reply("/classify", with({{"text", {text}}}))[0]["embedding"][0],
        server.reply("/v1/classify", with({{"input", {text}}}))["data"][0]["probs"][0],
        server.reply("/pooling", with({{"input", text}}))["data"][0]["data"][0],
        server.reply("/v1/embeddings", with({{"input", text}}))["data"][0]["embedding"][0],
        server.reply("/predict", with({{"inputs", text}, {"raw_scores", true}}))[0]["score"],
    };
  };
  CHECK(rewards(json::object()) == std::vector<double>(8, whole));
  CHECK(metric(server, "second_opening") == "8");
  CHECK(rewards({{"turn_cut", "first"}}) == std::vector<double>(8, whole));
  CHECK(rewards({{"turn_cut", "last"}}) == std::vector<double>(8, moved));
  CHECK(metric(server, "second_opening") == "24");
  CHECK(metric(server, "several_turns") == "0");
  const json strict = {{"input", text}, {"turn_cut", "strict"}};
  CHECK(server.post("/classify", strict.dump())->status == 400);
  CHECK(metric(server, "second_opening") == "25");
  CHECK(server.post("/classify", json{{"input", text}, {"turn_cut", "best"}}.dump())->status == 400);
  CHECK(server.post("/classify", json{{"input", text}, {"turn_cut", 1}}.dump())->status == 400);
}

TEST_CASE("a query is cut behind its prompt, wherever the prompt's words come again") {
  const RunningServer server(one(tabular_engine()));
  const std::string prompt = kAskedFirst + kTurnOpening;
  const auto rewards = [&](const std::vector<std::string>& queries) {
    return server
        .reply("/get_reward",
               {{"query", queries}, {"prompts", std::vector<std::string>(queries.size(), prompt)}})["rewards"]
        .get<std::vector<double>>();
  };
  const std::string repeated = kBadAnswer + prompt + kGoodAnswer;
  const double expected = scored_alone(prompt, repeated, true);
  CHECK(rewards({prompt + repeated, "[0]" + prompt + repeated, "[0][0] " + prompt + repeated}) ==
        std::vector<double>(3, expected));
  CHECK(metric(server, "prompt_absent") == "0");
  // A decoder rewrote the prompt: the response's copy of it is not the prompt.
  CHECK(rewards({"[2][2]" + kTurnOpening + repeated}) ==
        std::vector<double>{scored_alone("[2][2]" + kTurnOpening, repeated, true)});
  CHECK(metric(server, "prompt_absent") == "1");
}

TEST_CASE("what was noticed stands in the log, and is said once") {
  ServerOptions options;
  std::mutex mutex;
  std::vector<json> lines;
  std::vector<std::string> said;
  options.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(json::parse(line));
  };
  options.say = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    said.push_back(line);
  };
  RunningServer server(one(tabular_engine()), options);
  const std::string several =
      kAskedFirst + kTurnOpening + kGoodAnswer + "[7][1]" + kAskedFirst + kTurnOpening + kGoodAnswer;
  for (int i = 0; i < 2; ++i) {
    CHECK(server.reply("/classify", {{"input", several}})["data"][0]["probs"][0] ==
          scored_alone(several.substr(0, several.size() - kGoodAnswer.size()), kGoodAnswer, true));
  }
  server.reply("/classify", {{"input", kAskedFirst + kTurnOpening + kGoodAnswer}});
  CHECK(metric(server, "several_turns") == "2");
  server.stop();
  const std::lock_guard lock(mutex);
  CHECK(lines[0]["notes"] == json{"several_turns"});
  CHECK(lines[1]["notes"] == json{"several_turns"});
  CHECK_FALSE(lines[2].contains("notes"));
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("--turn-cut") != std::string::npos);
}

TEST_CASE("a prompt of another family is refused by name, and a plain message that speaks of it is not") {
  const RunningServer server(one(tabular_engine()));
  const std::string llama = "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>";
  const std::string opened = llama + "<|start_header_id|>assistant<|end_header_id|>\n\n";
  const std::vector<std::pair<std::string, json>> refused = {
      {"/remote_rm", {{"prompt", opened}, {"response", "[1]"}}},
      {"/get_reward", {{"query", {opened + "Yes."}}, {"prompts", {opened}}}},
      {"/get_reward", {{"query", {opened + "Yes."}}}},
      {"/classify", {{"input", opened + "Yes."}}},
      {"/v1/rewards", {{"prompt", opened}, {"response", "[1]"}, {"options", {{"text", "raw"}}}}}};
  for (const auto& [path, body] : refused) {
    const auto result = server.post(path, body.dump());
    CHECK(result->status == 400);
    const std::string message = json::parse(result->body)["error"]["message"];
    CHECK_MESSAGE(message.find("<|start_header_id|>") != std::string::npos, path << ": " << message);
    CHECK_MESSAGE(message.find("[7][6]") != std::string::npos, path << ": " << message);
  }
  ProtocolContext context;
  context.marks = std::make_shared<const TurnMarks>(tabular_marks());
  CHECK_NOTHROW(read_rewards({{"prompt", opened}, {"response", "Yes."}}, context));
  CHECK_NOTHROW(read_remote_rm({{"prompt", "What does <|eot_id|> end?"}, {"response", "A turn."}}, context));
  std::vector<TextNote> notes;
  context.note = [&](TextNote note) { notes.push_back(note); };
  note_foreign_ends(
      read_rewards({{"prompt", "Hi"}, {"responses", {"Yes.<|eot_id|>", "<|eot_id|> ends"}}}, context).requests,
      context);
  CHECK(notes == std::vector<TextNote>{TextNote::kOtherFamily});
}

TEST_CASE("token ids have the reward of the text that they spell, on every route that takes them") {
  const RunningServer server(one(tabular_engine()));
  const json prompt = {1, 2, 7, 6};
  const json good = {3, 4, 5};
  const double reward = scored_alone("[1][2][7][6]", "[3][4][5]", true);
  const double other = scored_alone("[1][2][7][6]", "[5][0]", true);
  const json row = server.reply("/v1/rewards", {{"prompt_ids", prompt}, {"response_ids", {good, {5, 0}}}});
  CHECK(row["responses"][0]["reward"] == reward);
  CHECK(row["responses"][1]["reward"] == other);
  CHECK(row["responses"][0]["context"] == "tokens");
  const json whole = {1, 2, 7, 6, 3, 4, 5};
  CHECK(server.reply("/classify", {{"input", whole}})["data"][0]["probs"][0] == reward);
  const json padded = {0, 0, 1, 2, 7, 6, 3, 4, 5};
  CHECK(server.reply("/classify", {{"input", padded}})["data"][0]["probs"][0] == reward);
  CHECK(server.reply("/classify", {{"input", "[0][0][1][2][7][6][3][4][5]"}})["data"][0]["probs"][0] == reward);
  const json many = server.reply("/classify", {{"input", {whole, {1, 2, 7, 6, 5, 0}}}})["data"];
  CHECK(many[0]["probs"][0] == reward);
  CHECK(many[1]["probs"][0] == other);
  CHECK(server.reply("/classify", {{"prompt_ids", prompt}, {"response_ids", good}})["data"][0]["probs"][0] == reward);
  CHECK(server.reply("/pooling", {{"prompt_ids", prompt}, {"response_ids", {good, {5, 0}}}})["data"][1]["data"][0] ==
        other);
  CHECK(server.reply("/v1/embeddings", {{"input", whole}})["data"][0]["embedding"][0] == reward);
  const json text = server.reply("/v1/completions", {{"prompt", {"[1][2][7]", "[3][4]"}},
                                                     {"echo", true},
                                                     {"logprobs", 1},
                                                     {"max_tokens", 1},
                                                     {"temperature", 0}})["choices"];
  const json ids = server.reply("/v1/completions", {{"prompt", {{1, 2, 7}, {3, 4}}},
                                                    {"echo", true},
                                                    {"logprobs", 1},
                                                    {"max_tokens", 1},
                                                    {"temperature", 0}})["choices"];
  CHECK(ids == text);
  CHECK(server.reply("/v1/completions",
                     {{"prompt", {1, 2, 7}}, {"max_tokens", 0}, {"echo", true}})["choices"][0]["text"] == "[1][2][7]");
}

TEST_CASE("a mask says which tokens are context, and a run of the others is a turn") {
  const RunningServer server(one(tabular_engine()));
  const json response = server.reply(
      "/v1/rewards",
      {{"prompt_ids", {1, 2}}, {"response_ids", {3, 4, 5, 6, 3}}, {"response_mask", {1, 1, 0, 0, 1}}})["responses"][0];
  REQUIRE(response["turns"].size() == 2);
  CHECK(response["tokens"] == 3);
  CHECK(response["token_rewards"]["turn"] == json({0, 0, 1}));
  CHECK(response["turns"][1]["reward"].get<double>() ==
        doctest::Approx(scored_alone("[1][2][3][4][5][6]", "[3]", true)).epsilon(1e-12));
  const json masked =
      server.reply("/classify", {{"prompt_ids", {1, 2}}, {"response_ids", {3, 4, 5}}, {"response_mask", {1, 1, 0}}});
  CHECK(masked["data"][0]["probs"][0] == scored_alone("[1][2]", "[3][4]", true));
}

TEST_CASE("token ids that cannot be scored are the fault of their response alone, or of the request") {
  const RunningServer server(one(tabular_engine()));
  const json bad = {{9}, json::array(), {1.5}, {-1}, {"1"}, {4294967296}, {nullptr}, {true}, 3};
  json lists = json::array({{3, 4}});
  lists.insert(lists.end(), bad.begin(), bad.end());
  const json responses = server.reply("/v1/rewards", {{"prompt_ids", {1, 2}}, {"response_ids", lists}})["responses"];
  REQUIRE(responses.size() == lists.size());
  CHECK(responses[0]["reward"] == scored_alone("[1][2]", "[3][4]", true));
  for (std::size_t i = 1; i < responses.size(); ++i) {
    CHECK_MESSAGE(responses[i].contains("error"), lists[i].dump());
  }
  for (const json& ids : bad) {
    CAPTURE(ids.dump());
    CHECK(server.post("/classify", json{{"prompt_ids", {1, 2}}, {"response_ids", ids}}.dump())->status == 400);
    CHECK(server.post("/classify", json{{"input", json::array({ids})}}.dump())->status == 400);
    if (ids.is_array()) {
      CHECK(server
                .post("/v1/completions", json{{"prompt", json::array({ids})}, {"max_tokens", 0}, {"echo", true}}.dump())
                ->status == 400);
    }
    CHECK(server.post("/v1/rewards", json{{"prompt_ids", ids}, {"response_ids", {3}}}.dump())->status ==
          (ids == json{9} ? 200 : 400));  // outside this vocabulary: an error of each response
  }
  for (const json& body :
       {json{{"prompt_ids", {1}}, {"response_ids", {2}}, {"input", "[1][7][6][2]"}},
        json{{"prompt_ids", {1}}, {"response_ids", {2}}, {"messages", {{{"role", "user"}, {"content", "[1]"}}}}},
        json{{"prompt_ids", {1}}}, json{{"response_ids", {1}}, {"input", "[1][7][6][2]"}}, json{{"input", {1, 2, 3}}},
        json{{"input", {{1, 7, 6, 2}, "[1]"}}}, json{{"input", {1, 7, 6, "2"}}}, json{{"input", {1, 7, 6}}}}) {
    CAPTURE(body.dump());
    CHECK(server.post("/classify", body.dump())->status == 400);
  }
}

TEST_CASE("an answer that is empty is refused on every route, and never another text's") {
  const RunningServer server(one(tabular_engine()));
  const std::string text = kAskedFirst + kTurnOpening;
  for (const auto& [path, body] :
       std::vector<std::pair<std::string, json>>{{"/classify", {{"input", text}}},
                                                 {"/get_reward", {{"query", {text}}}},
                                                 {"/get_reward", {{"query", {text}}, {"prompts", {text}}}},
                                                 {"/remote_rm", {{"prompt", text}, {"response", ""}}}}) {
    const auto result = server.post(path, body.dump());
    CHECK(result->status == 400);
    CHECK(result->body.find("empty") != std::string::npos);
  }
}

TEST_CASE("tools, template arguments and calls reach the template from every route of messages") {
  ProtocolContext context;
  const Json tools = {{{"type", "function"}, {"function", {{"name", "add"}}}}};
  const Json kwargs = {{"enable_thinking", false}};
  const Json call = {{"role", "assistant"},
                     {"content", nullptr},
                     {"tool_calls", {{{"type", "function"}, {"function", {{"name", "add"}, {"arguments", "{}"}}}}}}};
  const Json asked = {{{"role", "user"}, {"content", "1+1?"}}, call, {{"role", "tool"}, {"content", "2"}}};
  Json answered = asked;
  answered.push_back({{"role", "assistant"}, {"content", "2"}, {"reasoning_content", "easy"}});
  const std::string arguments = R"({"enable_thinking":false,"tools":[{"type":"function","function":{"name":"add"}}]})";
  const std::vector<Request> requests = {
      read_classify({{"messages", answered}, {"tools", tools}, {"chat_template_kwargs", kwargs}}, context).requests[0],
      read_pooling({{"messages", answered}, {"tools", tools}, {"chat_template_kwargs", kwargs}}, context).requests[0],
      read_rewards({{"messages", answered}, {"tools", tools}, {"chat_template_kwargs", kwargs}}, context).requests[0],
      read_remote_rm({{"prompt", asked}, {"response", "2"}, {"tools", tools}, {"chat_template_kwargs", kwargs}},
                     context)
          .requests[0]};
  for (const Request& request : requests) {
    CHECK(request.template_arguments == arguments);
    REQUIRE(request.messages.size() == 3);
    CHECK(request.messages[1].fields.find("add") != std::string::npos);
    CHECK(request.messages[2].role == "tool");
    CHECK(request.responses[0].text.text == "2");
  }
  CHECK(requests[0].responses[0].text.fields == R"({"reasoning_content":"easy"})");
}

TEST_CASE("tools and calls that are no objects are refused with their place") {
  ProtocolContext context;
  for (const char* body :
       {R"({"prompt": "a", "response": "b", "tools": [{}, null]})",
        R"({"prompt": "a", "response": {"role": "assistant", "tool_calls": [{"function": {"name": "add"}}, "x"]}})"}) {
    CHECK_THROWS_WITH_AS(read_rewards(Json::parse(body), context), doctest::Contains("[1]"), InvalidInput);
  }
  CHECK_THROWS_AS(read_rewards({{"prompt", "a"}, {"response", "b"}, {"tools", {{"a", 1}}}}, context), InvalidInput);
}

TEST_CASE("NeMo Gym's items become the messages of a chat, and the last that the model wrote is the response") {
  const Json body = {
      {"responses_create_params",
       {{"instructions", "Be brief."},
        {"input", {{{"role", "user"}, {"content", "1+1?"}}}},
        {"tools", {{{"type", "function"}, {"name", "add"}, {"parameters", {{"type", "object"}}}, {"strict", true}}}}}},
      {"response",
       {{"status", "incomplete"},
        {"output",
         {{{"type", "reasoning"}, {"summary", {{{"type", "summary_text"}, {"text", "I add."}}}}},
          {{"type", "function_call"}, {"call_id", "c1"}, {"name", "add"}, {"arguments", "{\"a\": 1}"}},
          {{"type", "function_call_output"}, {"call_id", "c1"}, {"output", "2"}},
          {{"type", "reasoning"}, {"summary", Json::array()}},
          {{"type", "message"}, {"content", {{{"type", "output_text"}, {"text", "It is 2."}}}}}}}}}};
  const Request request = rollout_request(body);
  REQUIRE(request.messages.size() == 4);
  CHECK(request.messages[0] == Message{"system", "Be brief."});
  CHECK(request.messages[1] == Message{"user", "1+1?"});
  CHECK(request.messages[2].role == "assistant");
  const Json fields = Json::parse(request.messages[2].fields);
  CHECK(fields["reasoning_content"] == "I add.");
  CHECK(fields["content"].is_null());
  CHECK(fields["tool_calls"][0]["function"]["arguments"] == "{\"a\": 1}");
  CHECK(request.messages[3].role == "tool");
  CHECK(request.responses[0].text.text == "It is 2.");
  CHECK(request.responses[0].text.fields.empty());
  CHECK(request.responses[0].text.truncated);
  CHECK(request.template_arguments ==
        R"({"tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object"}}}]})");
  Json ends_with_call = body;
  ends_with_call["response"]["output"].erase(4);
  ends_with_call["response"]["output"].erase(3);
  CHECK(rollout_request(ends_with_call).responses[0].text.fields.find("add") != std::string::npos);
  for (const char* output : {"[]", R"([{"type": "function_call_output", "output": "2"}])", R"([{"type": "image"}])",
                             R"([{"type": "function_call"}])", R"([{"type": "message", "content": 5}])", "5"}) {
    Json wrong = body;
    wrong["response"]["output"] = Json::parse(output);
    CHECK_THROWS_AS(rollout_request(wrong), InvalidInput);
  }
}

TEST_CASE("a request's own options of the template") {
  ProtocolContext context;
  const auto options = [&](const Json& more) {
    return read_rewards({{"prompt", "a"}, {"response", "b"}, {"options", more}}, context).options;
  };
  CHECK(options({{"response_is", "answer"}}).text.reading == ResponseReading::kAnswer);
  CHECK(options({{"score_turns", "all"}}).turns == ScoredTurns::kAll);
  CHECK(options({{"template_date", "2026-11-30"}}).text.date == "2026-11-30");
  for (const char* wrong : {R"({"prompt": "a", "response": "b", "tools": [{}]})",
                            R"({"prompt": "a", "responses": [{"role": "assistant", "content": "b", "name": "n"}]})"}) {
    Json body = Json::parse(wrong);
    CHECK_NOTHROW(read_rewards(body, context));
    body["options"]["text"] = "raw";
    CHECK_THROWS_WITH_AS(read_rewards(body, context), doctest::Contains("raw text"), InvalidInput);
  }
  for (const Json& wrong : {Json{{"response_is", "x"}}, Json{{"score_turns", 1}}, Json{{"template_date", "today"}}}) {
    CHECK_THROWS_AS(options(wrong), InvalidInput);
  }
}

TEST_CASE("requests that share messages but not arguments, options or tokens each get their own reward") {
  QueueOptions queue;
  queue.linger = std::chrono::milliseconds(100);
  const RunningServer server(one(tabular_engine()), {}, queue);
  const std::vector<std::pair<json, double>> cases = {
      {{{"prompt_ids", {1, 2}}, {"response_ids", {3, 4}}}, scored_alone("[1][2]", "[3][4]", true)},
      {{{"prompt_ids", {1, 3}}, {"response_ids", {3, 4}}}, scored_alone("[1][3]", "[3][4]", true)},
      {{{"prompt", "[1][2]"}, {"response", "[3][4]"}}, scored_alone("[1][2]", "[3][4]")},
      {{{"prompt", "[1][2]"}, {"response", "[3][4]"}, {"options", {{"aggregation", "sum"}}}},
       [] {
         ScoreOptions options;
         options.aggregate.kind = Aggregation::kSum;
         return scored_alone("[1][2]", "[3][4]", false, options);
       }()},
      {{{"prompt_ids", {1, 2}}, {"response_ids", {3, 4}}, {"response_mask", {0, 1}}},
       scored_alone("[1][2][3]", "[4]", true)}};
  std::vector<double> found(cases.size());
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    clients.emplace_back([&, i] {
      const auto result = server.client().Post("/v1/rewards", cases[i].first.dump(), "application/json");
      found[i] = result ? json::parse(result->body)["responses"][0]["reward"].get<double>() : 0.0;
    });
  }
  for (std::thread& client : clients) {
    client.join();
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CHECK(found[i] == doctest::Approx(cases[i].second).epsilon(1e-12));
  }
}

}  // namespace
}  // namespace endorm
