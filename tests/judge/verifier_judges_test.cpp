#include <cmath>

#include "judge/judge_prompt.h"
#include "judge/prompt_files.h"
#include "tests/judge/byte_engine.h"
#include "tests/judge/judge_requests.h"

namespace endorm {
namespace {

constexpr double kTolerance = 1e-12;  // sums of at most four doubles of a few nats

struct Fixture {
  std::vector<Scored> scores(const char* judge, const Request& request) {
    return make_judge(judge, parts).scorer->score(std::span(&request, 1));
  }

  // sum of log pi over an answer to the verifier's question, by the scorer itself; with its end of turn.
  double log_prob(const std::string& query, const std::string& response, const std::string& answer) {
    const Request question =
        request_of("q", JudgePrompt(verifier_prompt).fill({{"query", query}, {"response", response}}), {answer});
    ScoreOptions options;
    options.alpha = parts.score.alpha;
    EndogenousScorer scorer(engine, cache, options);
    const ScoredResponse scored = scored_of(scorer.score(std::span(&question, 1)).at(0), 0);
    CHECK(scored.token_ids.size() == answer.size() + 1);
    return scored.log_prob.value();
  }

  ByteEngine engine{{}, 2000};
  StatsCache cache{std::nullopt};
  JudgeParts parts{engine, cache};
};

TEST_CASE("verifier: the mean log-probability of YES and the end of its turn, and YES against NO") {
  for (const double alpha : {1.0, 0.5}) {
    Fixture fixture;
    fixture.parts.score.alpha = alpha;
    fixture.parts.score.aggregate.initial_value = true;  // EndoRM's own options: no part of these
    fixture.parts.score.text.end_of_turn = false;
    fixture.parts.score.find_steps = true;
    const std::vector<std::string> responses = {"Paris.", "YES", "", "{query}\n\nA\n\nB"};
    const Request request = request_of("r", {{"user", "Where?"}}, responses);
    const std::vector<Scored> verifier = fixture.scores("verifier", request);
    const std::vector<Scored> normalized = fixture.scores("verifier-normalized", request);
    for (std::size_t i = 0; i < responses.size(); ++i) {
      const double yes = fixture.log_prob("Where?", responses[i], "YES");
      const double no = fixture.log_prob("Where?", responses[i], "NO");
      CHECK(std::abs(scored_of(verifier.at(0), i).reward - yes / 4.0) <= kTolerance);
      CHECK(std::abs(scored_of(normalized.at(0), i).reward -
                     std::log(std::exp(yes) / (std::exp(yes) + std::exp(no)))) <= kTolerance);
      CHECK_FALSE(scored_of(verifier[0], i).log_prob.has_value());
    }
    CHECK(verifier[0].key == "key of r");
  }
}

TEST_CASE("verifier: a question beyond the context is an error, never a cut prompt") {
  Fixture fixture;
  const Request request = request_of("r", {{"user", "Where?"}}, {"short", std::string(2000, 'x')});
  for (const Overflow overflow : {Overflow::kError, Overflow::kTruncateLeft, Overflow::kSkip}) {
    fixture.parts.score.overflow = overflow;
    for (const char* name : {"verifier", "verifier-normalized"}) {
      const std::vector<Scored> scored = fixture.scores(name, request);
      CHECK(scored_of(scored.at(0), 0).reward < 0.0);
      CHECK_FALSE(scored[0].responses.at(1).scored.has_value());
      CHECK(contains(scored[0].responses[1].error, "the context holds 2000"));
      CHECK(scored[0].responses[1].skipped == (overflow == Overflow::kSkip));
    }
  }
}

TEST_CASE("verifier: one YES in the cache serves both forms") {
  Fixture fixture;
  const Request request = request_of("r", {{"user", "Where?"}}, {"Paris."});
  fixture.scores("verifier-normalized", request);
  const std::size_t rows = fixture.engine.tokens_computed();
  fixture.scores("verifier", request);
  CHECK(fixture.engine.tokens_computed() == rows);
}

}  // namespace
}  // namespace endorm
