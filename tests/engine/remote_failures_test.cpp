#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>
#include <utility>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/remote/remote_engine.h"
#include "tests/engine/remote_tabular_server.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr RemoteDialect kVllm = RemoteDialect::kVllm;
constexpr RemoteDialect kSglang = RemoteDialect::kSglang;
constexpr const char* kCompletions = "/v1/completions";

RemoteEngineOptions quick(const RemoteTabularServer& server, RemoteDialect dialect = kVllm) {
  RemoteEngineOptions options;
  options.dialect = dialect;
  options.http.url = server.url();
  options.http.reply_timeout = std::chrono::seconds(60);
  options.http.retries = 2;
  options.http.backoff = std::chrono::milliseconds(1);
  options.connections = 4;
  return options;
}

TokenTree some_tree() {
  TokenTree tree;
  for (Token token = 1; token < 9; ++token) {
    tree.insert(Tokens{0, 5}, Tokens{token, 6, token});
  }
  return tree;
}

void check_equal(const std::vector<TokenStats>& found, const std::vector<TokenStats>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t at = 0; at < found.size(); ++at) {
    CHECK(std::abs(found[at].logit - (expected[at].logit - expected[at].log_sum_exp)) <= 1e-9);
  }
}

// Changes the answers on the path of log-probabilities as JSON; everything else passes.
RemoteTabularServer::Meddle edit(const std::function<void(json&)>& change) {
  return [change](const std::string& path, RemoteTabularServer::Answer& answer) {
    if (path == kCompletions || path == "/generate") {
      json body = json::parse(answer.body);
      change(body);
      answer.body = body.dump();
    }
  };
}

TEST_CASE("a server that is not there is named") {
  RemoteTabularServer server(kVllm);
  RemoteEngineOptions options = quick(server);
  RemoteEngine engine(options);
  server.stop();
  CHECK_THROWS_WITH_AS(engine.evaluate(some_tree(), {}), doctest::Contains(server.url().c_str()), EngineError);
  CHECK_THROWS_WITH_AS(RemoteEngine{options}, doctest::Contains("tried 3 times"), EngineError);
}

TEST_CASE("a passing fault is tried again, a lasting one is reported") {
  RemoteTabularServer server(kVllm);
  RemoteEngine engine(quick(server));
  for (const int status : {500, 503, 429}) {
    INFO(status);
    int failures = 2;
    server.meddle([&](const std::string& path, RemoteTabularServer::Answer& answer) {
      if (path == kCompletions && failures > 0) {
        --failures;
        answer = {status, R"({"error": {"message": "warming up"}})"};
      }
    });
    TokenTree tree;
    tree.insert(Tokens{0}, Tokens{1, 2});
    const std::size_t before = server.asked(kCompletions);
    check_equal(engine.evaluate(tree, {}).front(), server.evaluate(tree));
    CHECK(server.asked(kCompletions) - before == 3);
    failures = 1'000;
    CHECK_THROWS_WITH_AS(engine.evaluate(tree, {}), doctest::Contains("warming up"), EngineError);
    CHECK(server.asked(kCompletions) - before == 6);
  }
}

TEST_CASE("a server that says when to come again is not asked before, within a limit") {
  RemoteTabularServer server(kVllm);
  const auto seconds_after = [&](const std::string& retry_after, std::chrono::seconds longest_wait) {
    RemoteEngineOptions options = quick(server);
    options.http.longest_wait = longest_wait;
    RemoteEngine engine(options);
    bool full = true;
    server.meddle([&](const std::string& path, RemoteTabularServer::Answer& answer) {
      if (path == kCompletions && std::exchange(full, false)) {
        answer = {429, R"({"error": {"message": "full"}})", retry_after};
      }
    });
    TokenTree tree;
    tree.insert(Tokens{0}, Tokens{1, 2});
    const auto begin = std::chrono::steady_clock::now();
    check_equal(engine.evaluate(tree, {}).front(), server.evaluate(tree));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  CHECK(seconds_after("1", std::chrono::seconds(30)) >= 1.0);
  CHECK(seconds_after("60", std::chrono::seconds(1)) >= 1.0);  // a minute would show
  for (const char* unreadable : {"-1", "1x", "Thu, 26 Nov 2026 18:00:00 GMT", "99999999999999999999"}) {
    seconds_after(unreadable, std::chrono::seconds(30));  // answers
  }
}

TEST_CASE("a refused request is the caller's error, with the server's words, and is not tried again") {
  RemoteTabularServer server(kVllm);
  RemoteEngine engine(quick(server));
  server.meddle([](const std::string& path, RemoteTabularServer::Answer& answer) {
    if (path == kCompletions) {
      answer = {400, R"({"error": {"message": "prompt_logprobs is not allowed here"}})"};
    }
  });
  TokenTree tree;
  tree.insert(Tokens{0}, Tokens{1});
  CHECK_THROWS_WITH_AS(engine.evaluate(tree, {}), doctest::Contains("prompt_logprobs is not allowed here"),
                       InvalidInput);
  CHECK(server.asked(kCompletions) == 1);
}

TEST_CASE("an endpoint that the server lacks is an error about the server") {
  RemoteTabularServer vllm(kVllm);
  RemoteEngine engine(quick(vllm, kSglang));  // the wrong dialect: /v1/models exists, /generate does not
  CHECK_THROWS_WITH_AS(engine.evaluate(some_tree(), {}), doctest::Contains("status 404"), EngineError);
}

TEST_CASE("the key is sent, and its absence named") {
  RemoteTabularServer server(kVllm);
  server.require_key("secret");
  RemoteEngineOptions options = quick(server);
  CHECK_THROWS_WITH_AS(RemoteEngine{options}, doctest::Contains("API key"), EngineError);
  options.http.api_key = "secret";
  RemoteEngine engine(options);
  const TokenTree tree = some_tree();
  check_equal(engine.evaluate(tree, {}).front(), server.evaluate(tree));
}

TEST_CASE("a slow server runs into the time-out, once") {
  RemoteTabularServer server(kVllm);
  RemoteEngineOptions options = quick(server);
  options.http.reply_timeout = std::chrono::milliseconds(200);
  options.connections = 1;
  RemoteEngine engine(options);
  server.meddle([](const std::string& path, RemoteTabularServer::Answer&) {
    if (path == kCompletions) {
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
  });
  TokenTree tree;
  tree.insert(Tokens{0}, Tokens{1});
  CHECK_THROWS_WITH_AS(engine.evaluate(tree, {}), doctest::Contains("did not answer within 200 ms"), EngineError);
  CHECK(server.asked(kCompletions) == 1);
}

TEST_CASE("answers that are no answers are refused over HTTP, too") {
  struct Damage {
    const char* name;
    std::function<void(json&)> vllm;
    std::function<void(json&)> sglang;
  };
  const auto vllm_positions = [](json& body) -> json& { return body["choices"][0]["prompt_logprobs"]; };
  const auto sglang_entries = [](json& body) -> json& { return body["meta_info"]["input_token_logprobs"]; };
  const std::vector<Damage> damages = {
      {"a field missing", [](json& body) { body["choices"][0].erase("prompt_logprobs"); },
       [](json& body) { body["meta_info"].erase("input_token_logprobs"); }},
      {"one token too few", [&](json& body) { vllm_positions(body).erase(1); },
       [&](json& body) { sglang_entries(body).erase(1); }},
      {"one token too many", [&](json& body) { vllm_positions(body).push_back(vllm_positions(body).back()); },
       [&](json& body) { sglang_entries(body).push_back(sglang_entries(body).back()); }},
      {"a null", [&](json& body) { vllm_positions(body).back() = nullptr; },
       [&](json& body) { sglang_entries(body).back()[0] = nullptr; }},
      {"another token",
       [&](json& body) {
         vllm_positions(body).back() = json{{"15", {{"logprob", -1.0}}}};
       },
       [&](json& body) { sglang_entries(body).back()[1] = 15; }},
      {"text for a number", [&](json& body) { vllm_positions(body).back().front()["logprob"] = "-1"; },
       [&](json& body) { sglang_entries(body).back()[0] = "-1"; }},
      {"a probability instead", [&](json& body) { vllm_positions(body).back().front()["logprob"] = 0.25; },
       [&](json& body) { sglang_entries(body).back()[0] = 0.25; }},
  };
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    RemoteTabularServer server(dialect);
    RemoteEngine engine(quick(server, dialect));
    const TokenTree tree = some_tree();
    for (const Damage& damage : damages) {
      INFO(remote_dialect_name(dialect), ": ", damage.name);
      server.meddle(edit(dialect == kVllm ? damage.vllm : damage.sglang));
      CHECK_THROWS_AS(engine.evaluate(tree, {}), EngineError);
    }
    server.meddle([](const std::string& path, RemoteTabularServer::Answer& answer) {
      if (path == kCompletions || path == "/generate") {
        answer.body = answer.body.substr(0, answer.body.size() / 2);
      }
    });
    CHECK_THROWS_WITH_AS(engine.evaluate(tree, {}), doctest::Contains("no JSON object"), EngineError);
    // The engine goes on where the server does.
    server.meddle(nullptr);
    check_equal(engine.evaluate(tree, {}).front(), server.evaluate(tree));
  }
}

TEST_CASE("one failure among many requests under way is enough, whichever it is") {
  RemoteTabularServer server(kVllm);
  RemoteEngine engine(quick(server));
  const TokenTree tree = some_tree();  // 8 leaves
  for (int bad = 0; bad < 8; ++bad) {
    INFO("request ", bad);
    std::atomic<int> seen = 0;
    server.meddle([&](const std::string& path, RemoteTabularServer::Answer& answer) {
      if (path == kCompletions && seen++ == bad) {
        answer = {418, "no tea"};
      }
    });
    CHECK_THROWS_WITH_AS(engine.evaluate(tree, {}), doctest::Contains("no tea"), EngineError);
  }
}

TEST_CASE("a template that changes what it is given is refused") {
  RemoteTabularServer server(kVllm);
  const RemoteEngine engine(quick(server));
  const std::vector<Message> messages = {{"user", "a"}};
  const std::vector<ResponseText> responses = {{"ab", false}};
  // Every change is made to the closed turn, <|bos|><|user|>a<|end|>\n<|assistant|>ab<|end|>\n, given as text.
  const auto with_turn = [&](const std::string& text) {
    server.meddle([text](const std::string& path, RemoteTabularServer::Answer& answer) {
      json body = json::parse(answer.body);
      if (path == "/tokenize" && body["tokens"].back() != 2) {
        body["tokens"] = RemoteTabularServer::encode(text);
        body["token_strs"] = json::array();
        for (const Token token : body["tokens"].get<Tokens>()) {
          const std::string bytes = RemoteTabularServer::bytes(token);
          body["token_strs"].push_back(bytes == "\n" ? "\xC4\x8A" : bytes);
        }
        answer.body = body.dump();
      }
    });
    return engine.tokenize(messages, responses, {});
  };
  const std::string open = "<|bos|><|user|>a<|end|>\n<|assistant|>";
  CHECK(with_turn(open + "ab<|end|>\n")[0].response == Tokens{9, 3});
  CHECK(with_turn(open + "\nab<|end|>")[0].response == Tokens{4, 9, 3});  // white space before the text is scored
  CHECK_THROWS_AS(with_turn(open + "a<|end|>\n"), InvalidInput);          // trimmed
  CHECK_THROWS_AS(with_turn(open + "cab<|end|>\n"), InvalidInput);        // something before it
  CHECK_THROWS_AS(with_turn(open + "ab\n"), InvalidInput);                // no end of turn
  CHECK_THROWS_AS(with_turn("<|bos|><|user|>a<|end|>\nab<|end|>\n"), InvalidInput);  // another opening
}

TEST_CASE("where tokens merge across the boundary the response is tokenized alone, and that is said") {
  RemoteTabularServer server(kVllm);
  const RemoteEngine engine(quick(server));
  const std::vector<Message> messages = {{"user", "a"}};
  // The answers to come: the open prompt, the closed turn, the response alone. " a" is one token, " " another.
  const auto with_texts = [&](const std::vector<std::string>& texts) {
    std::size_t asked = 0;
    server.meddle([texts, asked](const std::string& path, RemoteTabularServer::Answer& answer) mutable {
      if (path == "/tokenize") {
        json body;
        body["tokens"] = RemoteTabularServer::encode(texts.at(asked));
        for (const Token token : body["tokens"].get<Tokens>()) {
          std::string spelling = RemoteTabularServer::bytes(token);
          if (spelling.starts_with(' ')) {
            spelling.replace(0, 1, "\xC4\xA0");
          }
          body["token_strs"].push_back(spelling);
        }
        answer.body = body.dump();
        ++asked;
      }
    });
    return engine.tokenize(messages, std::vector<ResponseText>{{"ac", false}}, {})[0];
  };
  const TokenizedResponse split = with_texts({"<|bos|>b ", "<|bos|>b ac<|end|>", "ac"});
  CHECK(split.boundary_split);
  CHECK(split.prompt == Tokens{0, 6, 10});
  CHECK(split.response == Tokens{5, 13, 3});
  CHECK(split.byte_offsets == std::vector<std::size_t>{0, 1, 2});
  CHECK_THROWS_AS(with_texts({"<|bos|>b ", "<|bos|>c ac<|end|>", "ac"}), InvalidInput);  // another prompt
  CHECK_THROWS_AS(with_texts({"<|bos|>b ", "<|bos|>b ab<|end|>", "ac"}), InvalidInput);  // another response
  CHECK_THROWS_AS(with_texts({"<|bos|>b ", "<|bos|>b ac<|end|>", "ab"}), InvalidInput);  // another text alone
}

}  // namespace
}  // namespace endorm
