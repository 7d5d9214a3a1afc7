#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "score/endogenous_scorer.h"
#include "tests/score/soft_optimal_problem.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

constexpr std::size_t kVocabulary = 6;

std::vector<double> logits(std::span<const Token> path) { return random_row(5, path, kVocabulary, 4.0); }

Request request_of(const std::string& prompt, const std::vector<std::string>& responses) {
  Request request;
  request.id = prompt;
  request.line = 1;
  request.messages = {{"user", prompt}};
  for (const std::string& response : responses) {
    request.responses.push_back({{response, false}, {}});
  }
  return request;
}

std::vector<Scored> score(Engine& engine, const ScoreOptions& options, const std::vector<Request>& requests) {
  StatsCache cache(std::nullopt);
  return EndogenousScorer(engine, cache, options).score(requests);
}

double reward_of(const ScoredOutcome& outcome) {
  INFO(outcome.error);
  REQUIRE(outcome.scored.has_value());
  return outcome.scored->reward;
}

// What a response gets where it is scored by itself.
double reward_alone(Engine& engine, const std::string& prompt, const std::string& response) {
  return reward_of(score(engine, {}, {request_of(prompt, {response})})[0].responses[0]);
}

TEST_CASE("a response longer than the context: an error, a shorter prompt, or skipped") {
  TabularEngine engine(kVocabulary, logits, {.context = 5});
  TabularEngine unlimited(kVocabulary, logits);
  // 4 prompt tokens: 1 token fits, 3 do not, 5 do not even alone.
  const std::vector<Request> requests = {request_of("[0][1][2][3]", {"[4]", "[4][0][1]", "[4][0][1][2][3]"})};
  ScoreOptions options;
  SUBCASE("error names the limit and the options") {
    const Scored scored = score(engine, options, requests)[0];
    CHECK(reward_of(scored.responses[0]) == reward_alone(unlimited, "[0][1][2][3]", "[4]"));
    CHECK(!scored.responses[1].scored.has_value());
    CHECK(!scored.responses[1].skipped);
    CHECK(contains(scored.responses[1].error, "have 7 tokens, the context holds 5"));
    CHECK(contains(scored.responses[1].error, "--on-overflow"));
    CHECK(contains(scored.responses[2].error, "have 9 tokens"));
  }
  SUBCASE("truncate-left keeps the first token and the end of the prompt, the same for all, and says how much went") {
    options.overflow = Overflow::kTruncateLeft;
    const Scored scored = score(engine, options, requests)[0];
    CHECK(scored.responses[0].scored.value().truncated_left == 2);  // what the second needs
    CHECK(reward_of(scored.responses[0]) == reward_alone(unlimited, "[0][3]", "[4]"));
    CHECK(scored.responses[1].scored.value().truncated_left == 2);
    CHECK(reward_of(scored.responses[1]) == reward_alone(unlimited, "[0][3]", "[4][0][1]"));
    CHECK(reward_of(scored.responses[1]) != reward_alone(unlimited, "[0][1][2][3]", "[4][0][1]"));
    CHECK(contains(scored.responses[2].error, "the response alone does not fit"));
  }
  SUBCASE("skip") {
    options.overflow = Overflow::kSkip;
    const Scored scored = score(engine, options, requests)[0];
    CHECK(scored.responses[0].scored.has_value());
    CHECK(!scored.responses[0].skipped);
    CHECK(scored.responses[1].skipped);
    CHECK(contains(scored.responses[1].error, "skipped: prompt and response have 7 tokens"));
  }
  SUBCASE("a sequence of exactly the context is scored") {
    const Scored scored = score(engine, options, {request_of("[0][1][2]", {"[4][0]"})})[0];
    CHECK(reward_of(scored.responses[0]) == reward_alone(unlimited, "[0][1][2]", "[4][0]"));
  }
}

TEST_CASE("what is wrong with one response costs the others nothing") {
  TabularEngine engine(kVocabulary, logits);
  const std::vector<Scored> scored = score(engine, {},
                                           {request_of("[0]", {"[1]", "", "no tokens", "[99]", "[2]"}),
                                            request_of("[no]", {"[1]"}), request_of("[3]", {"[1]"})});
  CHECK(reward_of(scored[0].responses[0]) == reward_alone(engine, "[0]", "[1]"));
  CHECK(contains(scored[0].responses[1].error, "the response is empty"));
  CHECK(contains(scored[0].responses[2].error, "does not begin a token"));
  CHECK(contains(scored[0].responses[3].error, "token 99 is outside the vocabulary"));
  CHECK(reward_of(scored[0].responses[4]) == reward_alone(engine, "[0]", "[2]"));
  CHECK(contains(scored[1].responses[0].error, "does not begin a token"));
  CHECK(reward_of(scored[2].responses[0]) == reward_alone(engine, "[3]", "[1]"));
}

TEST_CASE("an empty response is an error even where an end of turn would follow it") {
  TabularEngine engine(kVocabulary, logits, {.end_of_turn = true});
  const Scored scored = score(engine, {}, {request_of("[0]", {"", "[1]"})})[0];
  CHECK(contains(scored.responses[0].error, "the response is empty"));
  CHECK(scored.responses[1].scored.has_value());
}

TEST_CASE("a state that does not exist, and a masked token, are errors of their response alone") {
  constexpr double kMasked = -std::numeric_limits<double>::infinity();
  TabularEngine engine(3, TabularEngine::LogitTable{{{0}, {1.0, kMasked, 2.0}}, {{0, 2}, {0.5, 0.0, 3.0}}});
  const std::vector<Scored> scored =
      score(engine, {}, {request_of("[0]", {"[2][2]", "[1]", "[0][1]"}), request_of("[1]", {"[0]"})});
  CHECK(scored[0].responses[0].scored.has_value());
  CHECK(contains(scored[0].responses[1].error, "masks out"));
  CHECK(scored[0].responses[2].error != "");
  CHECK(!scored[0].responses[2].scored.has_value());
  CHECK(scored[1].responses[0].error != "");
  // Nothing but refusals is an answer as well: no error of the run.
  CHECK(score(engine, {}, {request_of("[1]", {"[0]"})})[0].responses[0].error == scored[1].responses[0].error);
}

// Fails where a sequence holds the token, as a server does that gives up on one request.
class FailingEngine : public TabularEngine {
 public:
  explicit FailingEngine(Token poison) : TabularEngine(kVocabulary, logits), poison_(poison) {}
  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override {
    for (const TokenTree::Node& node : tree.nodes()) {
      if (node.token == poison_) {
        throw EngineError("[FailingEngine] token " + std::to_string(poison_) + " was met.");
      }
    }
    return TabularEngine::evaluate(tree, options);
  }

 private:
  Token poison_;
};

TEST_CASE(
    "a response at which the engine fails does not cost the others theirs; where all fail it is the run's error") {
  FailingEngine engine(5);
  TabularEngine sound(kVocabulary, logits);
  const std::vector<Scored> scored =
      score(engine, {}, {request_of("[0]", {"[1]", "[5]", "[5]", "[2]"}), request_of("[1]", {"[2][3]"})});
  CHECK(reward_of(scored[0].responses[0]) == reward_alone(sound, "[0]", "[1]"));
  CHECK(contains(scored[0].responses[1].error, "token 5 was met"));
  CHECK(contains(scored[0].responses[2].error, "token 5 was met"));
  CHECK(reward_of(scored[0].responses[3]) == reward_alone(sound, "[0]", "[2]"));
  CHECK(reward_of(scored[1].responses[0]) == reward_alone(sound, "[1]", "[2][3]"));
  CHECK(contains(message_of<EngineError>([&] { score(engine, {}, {request_of("[5]", {"[1]", "[2]"})}); }), "was met"));
}

// Gives normalised log-probabilities alone, as servers do: neither V nor entropy nor another temperature can be had.
class NormalisedEngine : public TabularEngine {
 public:
  NormalisedEngine() : TabularEngine(kVocabulary, logits) {
    capabilities_.missing_reason = "This server sends log-probabilities, not logits.";
  }
  const Capabilities& capabilities() const override { return capabilities_; }
  std::vector<std::vector<TokenStats>> evaluate(const TokenTree& tree, const EvaluateOptions& options) override {
    std::vector<std::vector<TokenStats>> stats = TabularEngine::evaluate(tree, options);
    for (TokenStats& token : stats.front()) {
      token = {token.logit - token.log_sum_exp, 0.0, std::nullopt};
    }
    return stats;
  }

 private:
  Capabilities capabilities_;
};

TEST_CASE("without raw logits what needs V is refused with the reason, and the rest is right") {
  NormalisedEngine engine;
  TabularEngine raw(kVocabulary, logits);
  StatsCache cache(std::nullopt);
  ScoreOptions options;
  options.aggregate.initial_value = true;
  const std::string no_value = message_of<InvalidInput>([&] { EndogenousScorer refused(engine, cache, options); });
  CHECK(contains(no_value, "V(s_1) cannot be added"));
  CHECK(contains(no_value, "log-probabilities, not logits"));
  options = {};
  options.alpha = 2.0;
  const std::string no_alpha = message_of<InvalidInput>([&] { EndogenousScorer refused(engine, cache, options); });
  CHECK(contains(no_alpha, "alpha other than 1"));
  CHECK(contains(no_alpha, "log-probabilities, not logits"));

  const std::vector<Request> requests = {request_of("[0]", {"[1][2]", "[3]"})};
  const Scored found = score(engine, {}, requests)[0];
  const Scored expected = score(raw, {}, requests)[0];
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(std::abs(reward_of(found.responses[i]) - reward_of(expected.responses[i])) <= 1e-12);
    CHECK(std::abs(*found.responses[i].scored->log_prob - *expected.responses[i].scored->log_prob) <= 1e-12);
    CHECK(!found.responses[i].scored->value.has_value());
    CHECK(expected.responses[i].scored->value.has_value());
    CHECK(!found.responses[i].scored->tokens[0].entropy.has_value());
  }
}

}  // namespace
}  // namespace endorm
