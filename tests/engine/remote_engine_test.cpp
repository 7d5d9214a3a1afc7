#include "engine/remote/remote_engine.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/reward.h"
#include "tests/engine/remote_tabular_server.h"

namespace endorm {
namespace {

constexpr RemoteDialect kVllm = RemoteDialect::kVllm;
constexpr RemoteDialect kSglang = RemoteDialect::kSglang;

RemoteEngineOptions options_for(RemoteDialect dialect, const RemoteTabularServer& server) {
  RemoteEngineOptions options;
  options.dialect = dialect;
  options.http.url = server.url();
  options.http.retries = 0;
  options.http.reply_timeout = std::chrono::seconds(60);
  if (dialect == kSglang) {
    options.end_of_turn = "<|end|>";
  }
  return options;
}

const char* log_probs_path(RemoteDialect dialect) { return dialect == kVllm ? "/v1/completions" : "/generate"; }

const std::vector<Message> kMessages = {{"system", "a b"}, {"user", "ab c"}};
const Tokens kPrompt = {0, 14, 5, 8, 3, 4, 1, 9, 10, 13, 3, 4, 2};  // <|bos|><|system|>a b<|end|>\n<|user|>ab c...

TEST_CASE("log-probabilities over HTTP are those of the engine behind the server") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      INFO(remote_dialect_name(dialect), ", seed ", seed);
      RemoteTabularServer server(dialect);
      RemoteEngine engine(options_for(dialect, server));
      std::mt19937_64 random(seed);
      TokenTree tree;
      std::vector<std::vector<std::size_t>> paths;
      for (int sequence = 0; sequence < 25; ++sequence) {
        Tokens prompt = sequence % 2 == 0 ? Tokens{0} : Tokens{0, 5, 6};
        Tokens response(1 + random() % 6);
        for (Token& token : response) {
          token = static_cast<Token>(random() % 3);  // few tokens: many shared prefixes
        }
        paths.push_back(tree.insert(prompt, response));
      }
      const auto stats = engine.evaluate(tree, {}).front();
      const auto expected = server.evaluate(tree);
      REQUIRE(stats.size() == tree.scored_count());
      for (std::size_t at = 0; at < stats.size(); ++at) {
        CHECK(std::abs(stats[at].logit - (expected[at].logit - expected[at].log_sum_exp)) <= 1e-9);
        CHECK(stats[at].log_sum_exp == 0.0);
        CHECK(!stats[at].entropy.has_value());
      }
      // One request for each leaf: fewer than there are sequences, because some are prefixes of others or equal.
      std::vector<bool> has_child(tree.nodes().size(), false);
      for (const TokenTree::Node& node : tree.nodes()) {
        if (node.parent) {
          has_child[*node.parent] = true;
        }
      }
      const auto leaves = static_cast<std::size_t>(std::count(has_child.begin(), has_child.end(), false));
      CHECK(server.asked(log_probs_path(dialect)) == leaves);
      CHECK(leaves < paths.size());

      // Whatever needs no V is what a local engine would say.
      const auto remote_rewards = token_rewards(stats);
      const auto local_rewards = token_rewards(expected);
      for (std::size_t at = 0; at < stats.size(); ++at) {
        CHECK(std::abs(remote_rewards[at].log_prob - local_rewards[at].log_prob) <= 1e-9);
      }
    }
  }
}

TEST_CASE("scored nodes in the middle of a tree are covered, and nothing else is asked for") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    INFO(remote_dialect_name(dialect));
    RemoteTabularServer server(dialect);
    RemoteEngine engine(options_for(dialect, server));
    TokenTree tree;
    tree.insert(Tokens{0, 1}, Tokens{2, 3});
    tree.insert(Tokens{0, 1, 2, 3, 4}, Tokens{});  // a longer prompt, of which nothing is scored
    tree.insert(Tokens{0, 1, 2, 7}, Tokens{8});    // its first scored token is deeper
    const auto stats = engine.evaluate(tree, {}).front();
    const auto expected = server.evaluate(tree);
    REQUIRE(stats.size() == 3);
    for (std::size_t at = 0; at < stats.size(); ++at) {
      CHECK(std::abs(stats[at].logit - (expected[at].logit - expected[at].log_sum_exp)) <= 1e-9);
    }
    CHECK(server.asked(log_probs_path(dialect)) == 2);
    CHECK(engine.tokens_computed() == 4 + 5);
    CHECK(engine.evaluate(TokenTree(), {}).front().empty());
  }
}

TEST_CASE("prompts and responses become the server's tokens, the end of turn included") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    INFO(remote_dialect_name(dialect));
    RemoteTabularServer server(dialect);
    const RemoteEngine engine(options_for(dialect, server));
    const std::vector<ResponseText> responses = {{"ab a b", false}, {"ab a b", true}, {"", false}, {"\n", false}};
    const auto tokenized = engine.tokenize(kMessages, responses, {});
    REQUIRE(tokenized.size() == 4);
    for (const TokenizedResponse& each : tokenized) {
      CHECK(each.prompt == kPrompt);
      CHECK(!each.boundary_split);
    }
    CHECK(tokenized[0].response == Tokens{9, 7, 8, 3});
    CHECK(tokenized[0].byte_offsets == std::vector<std::size_t>{0, 2, 4, 6});
    CHECK(tokenized[0].finish == Finish::kEndOfTurn);
    CHECK(tokenized[1].response == Tokens{9, 7, 8});
    CHECK(tokenized[1].finish == Finish::kTruncated);
    CHECK(tokenized[2].response == Tokens{3});
    CHECK(tokenized[2].byte_offsets == std::vector<std::size_t>{0});
    CHECK(tokenized[3].response == Tokens{4, 3});
    std::string spelled;
    for (const Token token : tokenized[0].response) {
      spelled += engine.token_bytes(token);
    }
    CHECK(spelled == "ab a b<|end|>");
    CHECK(engine.token_bytes(13) == "c");
    CHECK(engine.token_bytes(7) == " a");
    CHECK(engine.tokenize(kMessages, responses, {.end_of_turn = false})[0].response == Tokens{9, 7, 8});
  }
}

TEST_CASE("vLLM: the white space behind the end of turn, and characters of several tokens") {
  RemoteTabularServer server(kVllm);
  const RemoteEngine engine(options_for(kVllm, server));
  const std::vector<ResponseText> responses = {{"a\xC3\xA9", false}};
  const auto tokenized = engine.tokenize(kMessages, responses, {.template_newline = true});
  CHECK(tokenized[0].response == Tokens{5, 11, 12, 3, 4});
  CHECK(tokenized[0].byte_offsets == std::vector<std::size_t>{0, 1, 2, 3, 3});
  CHECK(engine.token_bytes(11) == "\xC3");
  // A token that was never met is decoded by the server, which has no way to write half a character.
  const RemoteEngine fresh(options_for(kVllm, server));
  CHECK(fresh.token_bytes(7) == " a");
  CHECK(fresh.token_bytes(3) == "<|end|>");
  CHECK_THROWS_WITH_AS(fresh.token_bytes(11), doctest::Contains("split a character"), EngineError);
}

TEST_CASE("SGLang: what it does not give is refused") {
  RemoteTabularServer server(kSglang);
  RemoteEngineOptions options = options_for(kSglang, server);
  const RemoteEngine engine(options);
  const std::vector<ResponseText> plain = {{"a", false}};
  CHECK_THROWS_AS(engine.tokenize(kMessages, plain, {.template_newline = true}), InvalidInput);
  CHECK_THROWS_WITH_AS(engine.tokenize(kMessages, std::vector<ResponseText>{{"\xC3\xA9", false}}, {}),
                       doctest::Contains("split a character"), EngineError);
  // Without the option the template's own end of turn is taken, and an older server that cannot render it is refused.
  options.end_of_turn.clear();
  const RemoteEngine closing(options);
  CHECK(closing.tokenize(kMessages, plain, {})[0].prompt == kPrompt);
  CHECK(closing.tokenize(kMessages, plain, {})[0].response == Tokens{5, 3});
  CHECK(closing.tokenize(kMessages, plain, {.template_newline = true})[0].response == Tokens{5, 3, 4});
  const std::vector<Message> accented = {{"user", "\xC3\xA9"}};  // what the prompt's tokens split does not matter
  CHECK(closing.tokenize(accented, plain, {})[0].response == Tokens{5, 3});
  server.speak_older_sglang();
  CHECK(engine.tokenize(kMessages, plain, {})[0].response == Tokens{5, 3});
  CHECK_THROWS_AS(closing.tokenize(kMessages, plain, {}), InvalidInput);
}

TEST_CASE("a prompt that leaves no turn to answer is refused") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    RemoteTabularServer server(dialect);
    const RemoteEngine engine(options_for(dialect, server));
    const std::vector<ResponseText> responses = {{"a", false}};
    CHECK_THROWS_AS(engine.tokenize(std::vector<Message>{}, responses, {}), InvalidInput);
    const std::vector<Message> answered = {{"user", "a"}, {"assistant", "b"}};
    CHECK_THROWS_AS(engine.tokenize(answered, responses, {}), InvalidInput);
  }
}

TEST_CASE("a response that closes its own turn is refused") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    INFO(remote_dialect_name(dialect));
    RemoteTabularServer server(dialect);
    const RemoteEngine engine(options_for(dialect, server));
    const std::vector<ResponseText> closing = {{"a<|end|>b", false}};
    CHECK_THROWS_WITH_AS(engine.tokenize(kMessages, closing, {}), doctest::Contains("<|end|>"), InvalidInput);
  }
  RemoteTabularServer server(kVllm);
  const RemoteEngine engine(options_for(kVllm, server));
  CHECK_THROWS_AS(engine.tokenize(kMessages, std::vector<ResponseText>{{"a<|end|>", true}}, {}), InvalidInput);
}

TEST_CASE("what the engine can give is said, and the rest is refused") {
  for (const RemoteDialect dialect : {kVllm, kSglang}) {
    INFO(remote_dialect_name(dialect));
    RemoteTabularServer server(dialect);
    RemoteEngineOptions options = options_for(dialect, server);
    RemoteEngine engine(options);
    CHECK(!engine.capabilities().raw_logits);
    CHECK(!engine.capabilities().entropy);
    CHECK(!engine.capabilities().any_alpha);
    CHECK(engine.capabilities().context == RemoteTabularServer::kContext);
    CHECK(engine.capabilities().missing_reason.find(remote_dialect_name(dialect)) != std::string::npos);
    CHECK(engine.capabilities().missing_reason.find("--model FILE") != std::string::npos);
    CHECK(engine.model().name == "tabular");
    CHECK(engine.model().fingerprint.find(server.url()) != std::string::npos);

    TokenTree tree;
    tree.insert(Tokens{0}, Tokens{1});
    CHECK_THROWS_AS(engine.evaluate(tree, {.alphas = {0.5}}), InvalidInput);
    TokenTree longest;
    longest.insert(Tokens{0}, Tokens(RemoteTabularServer::kContext - 2, 1));
    CHECK(engine.evaluate(longest, {}).front().size() == RemoteTabularServer::kContext - 2);
    TokenTree too_long;
    too_long.insert(Tokens{0}, Tokens(RemoteTabularServer::kContext - 1, 1));
    const std::size_t asked = server.asked(log_probs_path(dialect));
    CHECK_THROWS_AS(engine.evaluate(too_long, {}), InvalidInput);
    CHECK(server.asked(log_probs_path(dialect)) == asked);

    options.model = "other";
    CHECK_THROWS_WITH_AS(RemoteEngine{options}, doctest::Contains("It lists: tabular"), EngineError);
  }
  RemoteEngineOptions options;
  options.http.url = "http://127.0.0.1:1";
  options.connections = 0;
  CHECK_THROWS_AS(RemoteEngine{options}, InvalidInput);
}

TEST_CASE("addresses: with /v1, with slashes, and those that are none") {
  RemoteTabularServer server(kVllm);
  for (const char* tail : {"", "/", "/v1", "/v1/"}) {
    INFO(tail);
    RemoteEngineOptions options = options_for(kVllm, server);
    options.http.url = server.url() + tail;
    CHECK(RemoteEngine(options).model().fingerprint == RemoteEngine(options_for(kVllm, server)).model().fingerprint);
  }
  for (const char* bad : {"", "127.0.0.1:8000", "ftp://host", "http://", "http://user:secret@host", "http://h?x=1"}) {
    INFO(bad);
    RemoteEngineOptions options;
    options.http.url = bad;
    CHECK_THROWS_AS(RemoteEngine{options}, InvalidInput);
  }
}

}  // namespace
}  // namespace endorm
