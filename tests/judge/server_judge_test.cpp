#include "judge/server_judge.h"

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "core/errors.h"
#include "engine/tabular_engine.h"
#include "tests/judge/judge_requests.h"
#include "tests/judge/reward_server.h"

namespace endorm {
namespace {

using nlohmann::json;

// A reward that tells every text from every other of these tests; "[3]" anywhere in a response is refused.
double reward_of(const std::string& text) {
  if (contains(text, "[3]")) {
    throw std::runtime_error("this text is not liked here");
  }
  double reward = -100.0;
  for (const char character : text) {
    reward = reward * 0.9 + static_cast<double>(character);
  }
  return reward;
}

struct Fixture {
  explicit Fixture(ServerShape shape, const std::string& model = "")
      : scorer(engine, {}, shape, model, quick(server.url())) {}

  static ServerPoolOptions quick(const std::string& url, const std::string& key = "") {
    ServerPoolOptions options;
    options.urls = {url};
    options.api_key = key;
    options.reply_timeout = std::chrono::seconds(60);
    options.tries = 3;
    options.backoff = std::chrono::milliseconds(1);
    return options;
  }

  TabularEngine engine{5, [](std::span<const Token>) { return std::vector<double>(5, 0.0); }, {.end_of_turn = true}};
  RewardModelServer server{reward_of};
  ServerScorer scorer;
};

const Request& two_responses() {
  static const Request request = request_of("r", {{"system", "[0]"}, {"user", "[1]"}}, {"[2][2]", "[1]"});
  return request;
}

TEST_CASE("classify: the whole conversation, without activation; the last of the probabilities") {
  Fixture fixture(ServerShape::kClassify, "skywork");
  fixture.server.meddle([](const std::string&, const json&, int&, std::string& answer) {
    json body = json::parse(answer);
    body["data"][0]["probs"].insert(body["data"][0]["probs"].begin(), 0.25);
    answer = body.dump();
  });
  const std::vector<Scored> scored = fixture.scorer.score(std::span(&two_responses(), 1));
  CHECK(scored_of(scored.at(0), 0).reward == reward_of("system:[0];user:[1];assistant:[2][2];"));
  CHECK(scored_of(scored[0], 1).reward == reward_of("system:[0];user:[1];assistant:[1];"));
  CHECK_FALSE(scored_of(scored[0], 0).log_prob.has_value());
  CHECK(scored[0].key == "key of r");
  const std::vector<json> asked = fixture.server.asked();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].at("model") == "skywork");
  CHECK(asked[0].at("use_activation") == false);
}

TEST_CASE("get_reward: prompt and response spelled out, many at a time") {
  Fixture fixture(ServerShape::kGetReward);
  std::vector<Request> requests;
  for (int i = 0; i < 33; ++i) {
    requests.push_back(two_responses());
  }
  const std::vector<Scored> scored = fixture.scorer.score(requests);
  REQUIRE(scored.size() == 33);
  for (const Scored& record : scored) {
    CHECK(scored_of(record, 0).reward == reward_of("[0][1][2][2][4]"));  // token 4 ends the turn
    CHECK(scored_of(record, 1).reward == reward_of("[0][1][1][4]"));
  }
  const std::vector<json> asked = fixture.server.asked();
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].at("query").size() == 32);
  CHECK(asked[2].at("query").size() == 2);
  CHECK(asked[0].at("prompts")[0] == "[0][1]");
  CHECK(asked[0].at("labels").size() == 32);
}

TEST_CASE("a response that the server refuses is an error of its own") {
  for (const ServerShape shape : {ServerShape::kClassify, ServerShape::kGetReward}) {
    Fixture fixture(shape);
    const Request request = request_of("r", {{"user", "[1]"}}, {"[2]", "[3]", "[1]"});
    const std::vector<Scored> scored = fixture.scorer.score(std::span(&request, 1));
    CHECK(scored.at(0).responses.at(0).scored.has_value());
    CHECK_FALSE(scored[0].responses.at(1).scored.has_value());
    CHECK(contains(scored[0].responses[1].error, "this text is not liked here"));
    CHECK(scored[0].responses.at(2).scored.has_value());
    CHECK(scored[0].responses[0].error.empty());
    CHECK(scored[0].responses[2].error.empty());
  }
}

TEST_CASE("a text that the engine cannot write is an error of its own") {
  Fixture fixture(ServerShape::kGetReward);
  const Request request = request_of("r", {{"user", "[1]"}}, {"words", "[2]"});
  const std::vector<Scored> scored = fixture.scorer.score(std::span(&request, 1));
  CHECK(contains(scored.at(0).responses.at(0).error, "does not begin a token"));
  CHECK(scored[0].responses.at(1).scored.has_value());
}

TEST_CASE("replies that are no rewards are refused, not guessed") {
  const std::vector<std::pair<ServerShape, std::string>> replies = {
      {ServerShape::kClassify, "{\"data\": []}"},
      {ServerShape::kClassify, "{\"data\": [{\"probs\": []}]}"},
      {ServerShape::kClassify, "{\"data\": [{\"probs\": [\"0.5\"]}]}"},
      {ServerShape::kClassify, "{\"data\": [{\"probs\": [NaN]}]}"},
      {ServerShape::kClassify, "{\"data\": [{\"probs\": [1e999]}]}"},
      {ServerShape::kClassify, "{\"data\": {\"0\": 1}}"},
      {ServerShape::kClassify, "[1]"},
      {ServerShape::kClassify, ""},
      {ServerShape::kGetReward, "{\"rewards\": []}"},
      {ServerShape::kGetReward, "{\"rewards\": [1, 2, 3]}"},
      {ServerShape::kGetReward, "{\"rewards\": [[1], [2]]}"},
      {ServerShape::kGetReward, "{\"rewards\": null}"},
      {ServerShape::kGetReward, "{\"scores\": [1, 2]}"},
      {ServerShape::kGetReward, "3.5"},
  };
  for (const auto& [shape, reply] : replies) {
    INFO(reply);
    Fixture fixture(shape);
    fixture.server.meddle([&](const std::string&, const json&, int&, std::string& answer) { answer = reply; });
    const std::vector<Scored> scored = fixture.scorer.score(std::span(&two_responses(), 1));
    for (const ScoredOutcome& outcome : scored.at(0).responses) {
      CHECK_FALSE(outcome.scored.has_value());
      CHECK(contains(outcome.error, "[server judge] the server answered"));
    }
  }
}

TEST_CASE("what passes is tried again; what does not is an error of the response") {
  Fixture fixture(ServerShape::kClassify);
  std::atomic<int> busy = 2;
  fixture.server.meddle(
      [&](const std::string&, const json&, int& status, std::string&) { status = busy-- > 0 ? 503 : status; });
  std::vector<Scored> scored = fixture.scorer.score(std::span(&two_responses(), 1));
  CHECK(scored.at(0).responses.at(0).scored.has_value());
  CHECK(fixture.server.asked().size() == 4);  // twice more than there are responses

  fixture.server.meddle([](const std::string&, const json& asked, int& status, std::string& answer) {
    if (contains(asked.dump(), "[2][2]")) {
      status = 500;
      answer = R"({"error": {"message": "out of memory"}})";
    }
  });
  scored = fixture.scorer.score(std::span(&two_responses(), 1));
  CHECK(contains(scored.at(0).responses.at(0).error, "out of memory"));
  CHECK(scored[0].responses.at(1).scored.has_value());
}

TEST_CASE("a server that cannot be used ends the run") {
  Fixture fixture(ServerShape::kClassify);
  SUBCASE("not there") {
    fixture.server.stop();
    CHECK_THROWS_WITH_AS(fixture.scorer.score(std::span(&two_responses(), 1)),
                         doctest::Contains("could not be reached"), EngineError);
  }
  SUBCASE("another path") {
    ServerScorer lost(fixture.engine, {}, ServerShape::kClassify, "", Fixture::quick(fixture.server.url() + "/api"));
    CHECK_THROWS_WITH_AS(lost.score(std::span(&two_responses(), 1)), doctest::Contains("404"), EngineError);
  }
  SUBCASE("a key that it does not know") {
    fixture.server.require_key("secret");
    CHECK_THROWS_WITH_AS(fixture.scorer.score(std::span(&two_responses(), 1)), doctest::Contains("API key"),
                         EngineError);
    ServerScorer let_in(fixture.engine, {}, ServerShape::kClassify, "", Fixture::quick(fixture.server.url(), "secret"));
    CHECK(let_in.score(std::span(&two_responses(), 1)).at(0).responses.at(0).scored.has_value());
  }
}

TEST_CASE(
    "several servers share the work, the same prompt at one of them; one that dies is left, and asked again later") {
  Fixture fixture(ServerShape::kClassify);
  std::optional<RewardModelServer> other(reward_of);
  ServerPoolOptions pool = Fixture::quick(fixture.server.url());
  pool.urls.push_back(other->url());
  pool.tries = 6;
  ServerScorer scorer(fixture.engine, {}, ServerShape::kClassify, "", pool);
  std::vector<Request> requests;
  for (int i = 0; i < 60; ++i) {
    const std::string prompt = "[" + std::to_string(i % 3) + "][" + std::to_string(i / 3 % 3) + "]";
    requests.push_back(request_of("r", {{"user", prompt}}, {"[2]", "[1]"}));
  }
  std::atomic<int> until_death = 20;
  const auto all_right = [&] {
    const std::vector<Scored> scored = scorer.score(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const std::string asked = "user:" + requests[i].messages[0].content + ";assistant:";
      CHECK(scored_of(scored.at(i), 0).reward == reward_of(asked + "[2];"));
      CHECK(scored_of(scored.at(i), 1).reward == reward_of(asked + "[1];"));
    }
  };
  all_right();
  CHECK(fixture.server.asked().size() + other->asked().size() == 120);
  CHECK(!fixture.server.asked().empty());
  CHECK(!other->asked().empty());
  other->meddle(
      [&](const std::string&, const json&, int& status, std::string&) { status = until_death-- > 0 ? status : 503; });
  all_right();
  other->stop();
  all_right();
  fixture.server.stop();
  CHECK_THROWS_AS(scorer.score(requests), ServerUnusable);
}

TEST_CASE("made from its parts") {
  Fixture fixture(ServerShape::kClassify);
  StatsCache cache(std::nullopt);
  JudgeParts parts{fixture.engine, cache};
  CHECK_THROWS_WITH_AS(make_judge("server", parts), doctest::Contains("address of a reward server"), InvalidInput);
  parts.server_url = fixture.server.url();
  parts.server_shape = "score";
  CHECK_THROWS_WITH_AS(make_judge("server", parts), doctest::Contains("classify, get_reward"), InvalidInput);
  parts.server_shape = "get_reward";
  const Judge judge = make_judge("server", parts);
  const std::vector<Scored> scored = judge.scorer->score(std::span(&two_responses(), 1));
  CHECK(scored_of(scored.at(0), 1).reward == reward_of("[0][1][1][4]"));
  CHECK(contains(judge.fingerprint, "get_reward"));
}

}  // namespace
}  // namespace endorm
