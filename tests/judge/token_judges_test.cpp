#include <cmath>
#include <optional>

#include "core/errors.h"
#include "core/random.h"
#include "tests/judge/judge_requests.h"
#include "tests/score/soft_optimal_problem.h"

namespace endorm {
namespace {

constexpr std::size_t kVocabulary = 5;
constexpr double kTolerance = 1e-10;  // rows of five in double against sums in long double

// What the judges read of one response, computed from the logits by the definitions.
struct Expected {
  double log_prob = 0.0;        // sum of log pi
  double entropy = 0.0;         // mean
  double self_certainty = 0.0;  // mean of KL(uniform || pi)
};

Expected expected_of(std::uint64_t seed, Tokens path, const Tokens& response, double alpha) {
  long double log_prob = 0.0L;
  long double entropy = 0.0L;
  long double divergence = 0.0L;
  for (const Token token : response) {
    const std::vector<double> row = random_row(seed, path, kVocabulary, 3.0);
    long double sum = 0.0L;
    for (const double q : row) {
      sum += std::exp(static_cast<long double>(q) / alpha);
    }
    const auto log_pi = [&](std::size_t a) { return static_cast<long double>(row[a]) / alpha - std::log(sum); };
    log_prob += log_pi(static_cast<std::size_t>(token));
    for (std::size_t a = 0; a < kVocabulary; ++a) {
      entropy -= std::exp(log_pi(a)) * log_pi(a);
      divergence += (std::log(1.0L / kVocabulary) - log_pi(a)) / kVocabulary;
    }
    path.push_back(token);
  }
  const auto count = static_cast<long double>(response.size());
  return {static_cast<double>(log_prob), static_cast<double>(entropy / count), static_cast<double>(divergence / count)};
}

struct Fixture {
  explicit Fixture(std::uint64_t with_seed)
      : seed(with_seed), engine(kVocabulary, [with_seed](std::span<const Token> path) {
          return random_row(with_seed, path, kVocabulary, 3.0);
        }) {}

  double reward(const char* judge, const Request& request, std::size_t response) {
    const std::vector<Scored> scored = make_judge(judge, parts).scorer->score(std::span(&request, 1));
    return scored_of(scored.at(0), response).reward;
  }

  std::uint64_t seed;
  TabularEngine engine;
  StatsCache cache{std::nullopt};
  JudgeParts parts{engine, cache};
};

TEST_CASE("likelihood, entropy and self-certainty are their definitions") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double alpha : {1.0, 0.4}) {
      INFO("seed ", seed, ", alpha ", alpha);
      Fixture fixture(seed);
      fixture.parts.score.alpha = alpha;
      fixture.parts.score.aggregate.initial_value = true;  // EndoRM's own: no part of these
      RandomStream random(seed);
      std::vector<Tokens> responses(3);
      std::vector<std::string> texts;
      for (Tokens& response : responses) {
        for (std::size_t length = 1 + random.below(6); length > 0; --length) {
          response.push_back(static_cast<Token>(random.below(kVocabulary)));
        }
        texts.push_back(spelled(response));
      }
      const Request request = request_of("r", {{"system", "[1]"}, {"user", "[0][2]"}}, texts);
      for (std::size_t i = 0; i < responses.size(); ++i) {
        const Expected expected = expected_of(seed, {1, 0, 2}, responses[i], alpha);
        const auto count = static_cast<double>(responses[i].size());
        CHECK(std::abs(fixture.reward("sum-log-likelihood", request, i) - expected.log_prob) <= kTolerance);
        CHECK(std::abs(fixture.reward("mean-log-likelihood", request, i) - expected.log_prob / count) <= kTolerance);
        CHECK(std::abs(fixture.reward("minus-entropy", request, i) + expected.entropy) <= kTolerance);
        CHECK(std::abs(fixture.reward("self-certainty", request, i) - expected.self_certainty) <= kTolerance);
      }
    }
  }
}

TEST_CASE("judges of one engine compute a response once") {
  Fixture fixture(7);
  const Request request = request_of("r", {{"user", "[0][2]"}}, {"[1][2][3]", "[1][2][4][0]"});
  fixture.reward("endorm", request, 0);
  const std::size_t rows = fixture.engine.tokens_computed();
  fixture.reward("mean-log-likelihood", request, 0);
  fixture.reward("minus-entropy", request, 1);
  CHECK(fixture.engine.tokens_computed() == rows);
}

TEST_CASE("steps of the request carry the judge's own quantity") {
  Fixture fixture(8);
  Request request = request_of("r", {{"user", "[0][2]"}}, {"[1][2][3][3]"});
  request.responses[0].step_begins = {0, 6};  // two tokens each
  const Judge judge = make_judge("minus-entropy", fixture.parts);
  const std::vector<Scored> scored = judge.scorer->score(std::span(&request, 1));
  const Aggregates& found = scored_of(scored.at(0), 0).aggregates.value();
  REQUIRE(found.steps.size() == 2);
  CHECK(std::abs(found.steps[0].mean + expected_of(8, {0, 2}, {1, 2}, 1.0).entropy) <= kTolerance);
  CHECK(std::abs(found.steps[1].mean + expected_of(8, {0, 2, 1, 2}, {3, 3}, 1.0).entropy) <= kTolerance);
  CHECK(scored_of(scored[0], 0).reward == found.mean);
  CHECK(scored_of(scored[0], 0).tokens[0].log_prob < 0.0);  // what is shown of a token stays what it is
}

// An engine that reads log-probabilities alone, as most remote ones do.
class BareEngine final : public TabularEngine {
 public:
  BareEngine() : TabularEngine(2, [](std::span<const Token>) { return std::vector<double>(2, 0.0); }) {
    capabilities_.missing_reason = "this server gives log-probabilities only";
  }
  const Capabilities& capabilities() const override { return capabilities_; }

 private:
  Capabilities capabilities_;
};

TEST_CASE("what the engine cannot give is refused with its reason") {
  BareEngine engine;
  StatsCache cache(std::nullopt);
  const JudgeParts parts{engine, cache};
  CHECK_NOTHROW(make_judge("mean-log-likelihood", parts));
  for (const char* name : {"minus-entropy", "self-certainty"}) {
    try {
      make_judge(name, parts);
      FAIL("no error");
    } catch (const InvalidInput& error) {
      CHECK(contains(error.what(), std::string(name) + " cannot be had from tabular"));
      CHECK(contains(error.what(), "this server gives log-probabilities only"));
    }
  }
}

TEST_CASE("an empty response is an error of its own, the others are judged") {
  Fixture fixture(9);
  const Request request = request_of("r", {{"user", "[0]"}}, {"", "[1]"});
  const std::vector<Scored> scored = make_judge("minus-entropy", fixture.parts).scorer->score(std::span(&request, 1));
  CHECK(contains(scored.at(0).responses.at(0).error, "empty"));
  CHECK(scored[0].responses[1].scored.has_value());
}

TEST_CASE("the fingerprint changes with every option that changes a number") {
  Fixture fixture(1);
  std::vector<std::string> prints;
  const auto note = [&] { prints.push_back(make_judge("endorm", fixture.parts).fingerprint); };
  note();
  ScoreOptions& options = fixture.parts.score;
  options.alpha = 0.5, note();
  options.aggregate.kind = Aggregation::kMean, note();
  options.aggregate.gamma = 0.9, note();
  options.aggregate.floor = 0.1, note();
  options.aggregate.chunk = 3, note();
  options.aggregate.last_k = 3, note();
  options.aggregate.initial_value = true, note();
  options.text.end_of_turn = false, note();
  options.text.template_newline = true, note();
  options.overflow = Overflow::kTruncateLeft, note();
  options.find_steps = true, note();
  options.step_separator = "\n", note();
  options.share_prefixes = false, note();
  for (std::size_t i = 1; i < prints.size(); ++i) {
    CHECK(prints[i] != prints[i - 1]);
  }
}

}  // namespace
}  // namespace endorm
