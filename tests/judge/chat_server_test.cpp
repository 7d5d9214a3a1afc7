#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

#include "core/errors.h"
#include "engine/tabular_engine.h"
#include "tests/judge/chat_model_server.h"
#include "tests/judge/judge_requests.h"

// The judges openai: what a server answers is told here, in OpenAI's shape; what becomes of it is under test.
namespace endorm {
namespace {

using nlohmann::json;

std::string question_of(const json& asked) { return asked.at("messages").back().at("content").get<std::string>(); }

// A good answer has a 9, any other a 2; of two the good one is better.
std::string verdict(const json& asked) {
  const std::string question = question_of(asked);
  const std::size_t a = question.find("Answer A:\n");
  if (a == std::string::npos) {
    return contains(question, "Response:\ngood") ? "9" : "2";
  }
  return question.compare(a + 10, 4, "good") == 0 ? "A" : "B";
}

struct Fixture {
  Fixture() {
    parts.chat_server.url = server.url();
    parts.chat_server.model = "judge-1";
    parts.chat_server.tries = 3;
    parts.chat_server.backoff = std::chrono::milliseconds(1);
    parts.chat_server.timeout_seconds = 60.0;
  }

  std::vector<Scored> judge(const std::vector<Request>& requests, const char* name = "openai") {
    made = make_judge(name, parts);
    return made.scorer->score(requests);
  }
  AskingAccount account() const { return made.account().value(); }
  std::string refusal(const std::vector<Request>& requests) {
    try {
      judge(requests);
    } catch (const EngineError& error) {
      return error.what();
    }
    return "";
  }

  ChatModelServer server{verdict};
  TabularEngine engine{5, [](std::span<const Token>) { return std::vector<double>(5, 0.0); }};
  StatsCache cache{std::nullopt};
  JudgeParts parts{engine, cache};
  Judge made;
};

const std::vector<Request>& two_answers() {
  static const std::vector<Request> requests = {request_of("r", {{"user", "how?"}}, {"good one", "bad one"})};
  return requests;
}

std::vector<Request> many_answers(int count) {
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    requests.push_back(request_of("r" + std::to_string(i), {{"user", std::to_string(i)}}, {"good", "bad"}));
  }
  return requests;
}

TEST_CASE("openai: the words of pointwise, as a chat; replies in the row, tokens and cost counted") {
  Fixture fixture;
  fixture.parts.chat_server.input_price = 2.0;
  fixture.parts.chat_server.output_price = 10.0;
  const std::vector<Scored> scored = fixture.judge(two_answers());
  CHECK(scored_of(scored.at(0), 0).reward == 9.0);
  CHECK(scored_of(scored[0], 1).reward == 2.0);
  CHECK(scored_of(scored[0], 0).replies == std::vector<std::string>{"9"});
  CHECK(scored_of(scored[0], 0).unparsed == 0);
  CHECK(fixture.engine.tokens_computed() == 0);

  const std::vector<json> asked = fixture.server.asked();
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].at("model") == "judge-1");
  CHECK(asked[0].at("temperature") == 0.0);
  CHECK(asked[0].at("max_tokens") == 1024);
  CHECK_FALSE(asked[0].contains("seed"));
  CHECK(asked[0].at("messages").at(0).at("role") == "system");
  CHECK(contains(question_of(asked[0]), "Query:\nhow?\n"));

  const AskingAccount account = fixture.account();
  CHECK(account.questions == 2);
  CHECK(account.from_cache == 0);
  CHECK(account.tokens_read == 200);
  CHECK(account.tokens_written == 6);
  CHECK(account.cost.value() == doctest::Approx((200 * 2.0 + 6 * 10.0) / 1e6));
  CHECK(account.models == std::set<std::string>{"judge-1-2026-01-01"});
  CHECK_FALSE(make_judge("length", fixture.parts).account);
}

TEST_CASE("openai: a second run asks nothing, but for other words, models, temperatures or lengths") {
  Fixture fixture;
  fixture.judge(two_answers());
  const std::vector<Scored> again = fixture.judge(two_answers());
  CHECK(fixture.server.asked().size() == 2);
  CHECK(scored_of(again.at(0), 0).replies == std::vector<std::string>{"9"});
  CHECK(fixture.account().from_cache == 2);
  CHECK(fixture.account().tokens_read == 0);
  fixture.server.stop();  // not even whether it is there
  CHECK_NOTHROW(fixture.judge(two_answers()));
  CHECK(fixture.refusal({request_of("r", {{"user", "why?"}}, {"good one"})}) != "");
  fixture.parts.chat_server.temperature = 1.0;
  CHECK(fixture.refusal(two_answers()) != "");
  fixture.parts.chat_server.temperature = 0.0;
  fixture.parts.max_reply_tokens = 7;
  CHECK(fixture.refusal(two_answers()) != "");
}

TEST_CASE("openai: what is asked twice in one call is asked once") {
  Fixture fixture;
  fixture.judge({two_answers()[0], two_answers()[0]});
  CHECK(fixture.server.asked().size() == 2);
  CHECK(fixture.account().questions == 4);
  CHECK(fixture.account().from_cache == 2);
}

TEST_CASE("openai-pairwise: both orders; once: one; five: the form of five") {
  Fixture fixture;
  std::vector<Scored> scored = fixture.judge(two_answers(), "openai-pairwise");
  CHECK(fixture.made.compares_pairs);
  CHECK(scored_of(scored.at(0), 0).reward == 1.0);
  CHECK(scored_of(scored[0], 1).reward == 0.0);
  CHECK(scored_of(scored[0], 0).replies == std::vector<std::string>{"A", "B"});
  CHECK(fixture.server.asked().size() == 2);
  scored = fixture.judge(two_answers(), "openai-pairwise-once");
  CHECK(scored_of(scored.at(0), 0).reward == 1.0);
  CHECK(fixture.server.asked().size() == 2);  // a question of both orders, kept
  scored = fixture.judge(two_answers(), "openai-pairwise-five");
  CHECK(scored_of(scored.at(0), 0).reward == 0.5);  // "A" is none of its verdicts
  CHECK(scored_of(scored[0], 0).unparsed == 2);
  CHECK(fixture.server.asked().size() == 4);
}

TEST_CASE("openai: several questions are on their way at once, and no more than that") {
  Fixture fixture;
  std::mutex mutex;
  std::condition_variable more;
  std::size_t waiting = 0;
  // Each of the first four is answered when all four are there.
  fixture.server.meddle([&](std::size_t count, const json&, int&, std::string&) {
    std::unique_lock lock(mutex);
    ++waiting;
    more.notify_all();
    CHECK(more.wait_for(lock, std::chrono::seconds(60), [&] { return count > 4 || waiting >= 4; }));
  });
  fixture.parts.chat_server.requests = 4;
  const std::vector<Scored> scored = fixture.judge(many_answers(20));
  CHECK(fixture.server.most_at_once() == 4);
  for (const Scored& record : scored) {
    CHECK(scored_of(record, 0).reward == 9.0);
    CHECK(scored_of(record, 1).reward == 2.0);
  }
}

TEST_CASE("openai: a temperature is sent with seeds of the questions, the same in every run") {
  Fixture fixture;
  fixture.parts.chat_server.temperature = 0.75;
  fixture.judge(two_answers());
  fixture.judge(two_answers(), "openai-pairwise");
  const std::vector<json> asked = fixture.server.asked();
  REQUIRE(asked.size() == 4);
  std::set<std::uint64_t> seeds;
  for (const json& question : asked) {
    CHECK(question.at("temperature") == 0.75);
    seeds.insert(question.at("seed").get<std::uint64_t>());
    CHECK(question.at("seed") < std::uint64_t{1} << 31U);
  }
  CHECK(seeds.size() == 4);
  fixture.judge(two_answers());
  fixture.judge(two_answers(), "openai-pairwise");
  CHECK(fixture.server.asked().size() == 4);
  fixture.parts.seed = 1;
  fixture.judge(two_answers());
  CHECK(fixture.server.asked().size() == 6);
}

TEST_CASE("openai: what passes is tried again: too many requests, a failure, a reply that does not come") {
  Fixture fixture;
  SUBCASE("429 and 500") {
    fixture.server.meddle([](std::size_t count, const json&, int& status, std::string& answer) {
      status = count == 1 ? 429 : count == 2 ? 500 : status;
      answer = count <= 2 ? R"({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}})" : answer;
    });
    fixture.parts.chat_server.requests = 1;
    CHECK(scored_of(fixture.judge(two_answers()).at(0), 0).reward == 9.0);
    CHECK(fixture.server.asked().size() == 4);
  }
  SUBCASE("a time-out") {
    std::promise<void> over;
    const std::shared_future<void> until = over.get_future().share();
    fixture.server.meddle([until](std::size_t count, const json&, int&, std::string&) {
      if (count == 1) {
        until.wait();
      }
    });
    fixture.parts.chat_server.requests = 1;
    fixture.parts.chat_server.timeout_seconds = 2.0;
    CHECK(scored_of(fixture.judge(two_answers()).at(0), 0).reward == 9.0);
    CHECK(fixture.server.asked().size() == 3);
    over.set_value();
  }
}

TEST_CASE("openai: what the server does not answer is an error of its response, which a run may continue from") {
  Fixture fixture;
  fixture.server.meddle([](std::size_t, const json& asked, int& status, std::string& answer) {
    if (contains(question_of(asked), "Response:\nbad")) {
      status = 400;
      answer = R"({"error": {"message": "This model's maximum context length is 10 tokens", "code": null}})";
    }
  });
  const std::vector<Scored> scored = fixture.judge(two_answers());
  CHECK(scored_of(scored.at(0), 0).reward == 9.0);
  CHECK(contains(scored[0].responses.at(1).error, "[openai] http://127.0.0.1"));
  CHECK(contains(scored[0].responses[1].error, "maximum context length is 10 tokens"));
  fixture.server.meddle(nullptr);
  CHECK(scored_of(fixture.judge(two_answers()).at(0), 1).reward == 2.0);
  CHECK(fixture.account().from_cache == 1);
}

TEST_CASE("openai: an answer that is no chat completion is an error, not a verdict") {
  for (const char* const answer :
       {"", "<html>9</html>", "{\"choices\": [{\"message\": {\"content\": \"9", "{\"choices\": []}", "{\"choices\": 9}",
        "{\"choices\": [9]}", "{\"choices\": [{\"message\": {\"content\": 9}}]}", "[9]", "9"}) {
    INFO(answer);
    Fixture fixture;
    fixture.server.meddle([&](std::size_t, const json&, int&, std::string& body) { body = answer; });
    const std::vector<Scored> scored = fixture.judge(two_answers());
    CHECK_FALSE(scored.at(0).responses.at(0).scored.has_value());
    CHECK(contains(scored[0].responses[0].error, "[openai] "));
    CHECK(contains(scored[0].responses[0].error, "the server's answer"));
  }
}

TEST_CASE("openai: refusals, silence and replies that are cut off have no verdict, and are counted") {
  Fixture fixture;
  const char* message = "";
  const char* finish = "stop";
  SUBCASE("a refusal") { message = R"({"content": null, "refusal": "I cannot rate this."})"; }
  SUBCASE("filtered") {
    message = R"({"content": null})";
    finish = "content_filter";
  }
  SUBCASE("cut within its reasoning") {
    message = R"({"content": "<think>9 or 2? The first", "reasoning_content": "9"})";
    finish = "length";
  }
  SUBCASE("in parts") { message = R"({"content": [{"type": "text", "text": "no"}, {"type": "audio"}, 9]})"; }
  fixture.server.meddle([&](std::size_t, const json&, int&, std::string& answer) {
    json body = json::parse(answer);
    body["choices"][0]["message"] = json::parse(message);
    body["choices"][0]["finish_reason"] = finish;
    body.erase("usage");
    answer = body.dump();
  });
  const std::vector<Scored> scored = fixture.judge({request_of("r", {{"user", "how?"}}, {"good one"})});
  CHECK(scored_of(scored.at(0), 0).unparsed == 1);
  CHECK(scored_of(scored[0], 0).reward == 5.0);
  CHECK(scored_of(scored[0], 0).replies.size() == 3);
  const std::vector<json> asked = fixture.server.asked();
  REQUIRE(asked.size() == 3);
  CHECK(asked[1].at("temperature") == 0.5);
  CHECK(asked[1].at("seed") != asked[2].at("seed"));
  CHECK(fixture.account().uncounted == 3);
  CHECK(fixture.account().cut == (std::string(finish) == "length" ? 3 : 0));
}

TEST_CASE("openai: what stands before the verdict as reasoning is not read, and stays in the row") {
  Fixture fixture;
  fixture.server.meddle([](std::size_t, const json&, int&, std::string& answer) {
    json body = json::parse(answer);
    body["choices"][0]["message"]["content"] = "<think>\nIs it 3?\n</think>\n\n7";
    answer = body.dump();
  });
  const std::vector<Scored> scored = fixture.judge(two_answers());
  CHECK(scored_of(scored.at(0), 0).reward == 7.0);
  CHECK(contains(scored_of(scored[0], 0).replies.at(0), "Is it 3?"));
}

TEST_CASE("openai: a model that wants max_completion_tokens gets it, and is asked so from then on") {
  Fixture fixture;
  fixture.server.meddle([](std::size_t, const json& asked, int& status, std::string& answer) {
    if (asked.contains("max_tokens")) {
      status = 400;
      answer = R"({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use )"
               R"('max_completion_tokens' instead.", "param": "max_tokens", "code": "unsupported_parameter"}})";
    }
  });
  fixture.parts.chat_server.requests = 1;
  CHECK(scored_of(fixture.judge(many_answers(3)).at(2), 0).reward == 9.0);
  CHECK(fixture.server.asked().size() == 7);  // the first twice
  CHECK(fixture.server.asked().back().at("max_completion_tokens") == 1024);
}

TEST_CASE("openai: a server that cannot be used ends the run, in words that say what to do") {
  Fixture fixture;
  SUBCASE("not there") {
    fixture.server.stop();
    const std::string refusal = fixture.refusal(two_answers());
    CHECK(contains(refusal, "[openai] http://127.0.0.1"));
    CHECK(contains(refusal, "could not be reached"));
    CHECK(contains(refusal, "--judge-url"));
  }
  SUBCASE("no key, and a wrong one") {
    fixture.server.require_key("secret");
    CHECK(contains(fixture.refusal(two_answers()), "wants a key (status 401: Incorrect API key provided)"));
    fixture.parts.chat_server.api_key = "guessed";
    const std::string refusal = fixture.refusal(two_answers());
    CHECK(contains(refusal, "refuses the key"));
    CHECK(contains(refusal, "ENDORM_JUDGE_KEY"));
    CHECK_FALSE(contains(refusal, "guessed"));
    fixture.parts.chat_server.api_key = "secret";
    CHECK(scored_of(fixture.judge(two_answers()).at(0), 0).reward == 9.0);
    CHECK(fixture.server.asked().size() == 2);
  }
  SUBCASE("another model") {
    fixture.parts.chat_server.model = "judge-2";
    const std::string refusal = fixture.refusal(two_answers());
    CHECK(contains(refusal, "knows no model \"judge-2\""));
    CHECK(contains(refusal, "The model `judge-2` does not exist"));
    CHECK(contains(refusal, "--judge-model"));
  }
  SUBCASE("another path") {
    fixture.parts.chat_server.url = fixture.server.url() + "/api";
    CHECK(contains(fixture.refusal(two_answers()), "has no /v1/chat/completions (status 404"));
  }
  SUBCASE("no credit, of which one 429 tells") {
    fixture.server.meddle([](std::size_t, const json&, int& status, std::string& answer) {
      status = 429;
      answer = R"({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota"}})";
    });
    fixture.parts.chat_server.requests = 1;
    CHECK(contains(fixture.refusal(two_answers()), "has no credit left"));
    CHECK(fixture.server.asked().size() == 1);
  }
  SUBCASE("a setting that it takes from no one") {
    fixture.server.meddle([](std::size_t, const json&, int& status, std::string& answer) {
      status = 400;
      answer = R"({"error": {"message": "'temperature' does not support 0 with this model."}})";
    });
    const std::string refusal = fixture.refusal(many_answers(30));
    CHECK(contains(refusal, "20 questions in a row got no reply"));
    CHECK(contains(refusal, "'temperature' does not support 0"));
    CHECK(fixture.server.asked().size() < 40);
  }
}

TEST_CASE("openai: a whole address is taken as it is") {
  Fixture fixture;
  for (const char* const ending : {"/v1", "/v1/", "/v1/chat/completions", "/"}) {
    fixture.parts.chat_server.url = fixture.server.url() + ending;
    CHECK(scored_of(fixture.judge(two_answers()).at(0), 0).reward == 9.0);
  }
  fixture.parts.chat_server.url = fixture.server.url() + "/v1beta/openai/chat/completions";
  CHECK(contains(fixture.refusal(two_answers()), "has no /chat/completions"));
}

TEST_CASE("openai: made from its parts") {
  Fixture fixture;
  fixture.parts.chat_server.input_price = 1.0;
  CHECK_THROWS_WITH_AS(make_judge("openai", fixture.parts), doctest::Contains("both prices"), InvalidInput);
  fixture.parts.chat_server.input_price.reset();
  const std::string print = make_judge("openai", fixture.parts).fingerprint;
  CHECK(contains(print, "pointwise version 1 sha256="));
  CHECK(contains(print, "model=judge-1 at http://"));
  fixture.parts.chat_server.temperature = 0.5;
  CHECK(make_judge("openai", fixture.parts).fingerprint != print);
  const std::string pairs = make_judge("openai-pairwise", fixture.parts).fingerprint;
  fixture.parts.seed = 1;
  CHECK(make_judge("openai-pairwise", fixture.parts).fingerprint != pairs);
  fixture.parts.chat_server.model = "";
  CHECK_THROWS_WITH_AS(make_judge("openai", fixture.parts), doctest::Contains("--judge-model"), InvalidInput);
  fixture.parts.chat_server.url = "";
  CHECK_THROWS_WITH_AS(make_judge("openai-pairwise", fixture.parts), doctest::Contains("--judge-url"), InvalidInput);
  fixture.parts.chat_server.url = "localhost:8000";
  fixture.parts.chat_server.model = "judge-1";
  CHECK_THROWS_WITH_AS(make_judge("openai", fixture.parts), doctest::Contains("is not a server's address"),
                       InvalidInput);
  CHECK_FALSE(needs_model("openai"));
  CHECK(needs_model("pointwise"));
  CHECK(needs_model("length"));
}

}  // namespace
}  // namespace endorm
