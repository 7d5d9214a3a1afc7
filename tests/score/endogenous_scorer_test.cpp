#include "score/endogenous_scorer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "tests/score/soft_optimal_problem.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;

Request request_of(const json& record, std::size_t line = 1, const std::string& separator = "\n\n") {
  std::vector<std::string> unknown;
  Request request = parse_request(record.dump(), line, separator, unknown);
  REQUIRE(unknown.empty());
  return request;
}

Scored score_one(Engine& engine, const ScoreOptions& options, const json& record) {
  StatsCache cache(std::nullopt);
  const std::vector<Request> requests = {request_of(record, 1, options.step_separator)};
  std::vector<Scored> scored = EndogenousScorer(engine, cache, options).score(requests);
  REQUIRE(scored.size() == 1);
  return scored[0];
}

const ScoredResponse& scored_of(const Scored& scored, std::size_t response) {
  INFO("response ", response, ": ", scored.responses.at(response).error);
  REQUIRE(scored.responses[response].scored.has_value());
  return *scored.responses[response].scored;
}

// Random tokens of a response without the end of turn, which the engine adds.
Tokens random_tokens(RandomStream& random, std::size_t vocabulary, std::size_t length) {
  Tokens tokens;
  while (tokens.size() < length) {
    tokens.push_back(static_cast<Token>(random.below(vocabulary - 1)));
  }
  return tokens;
}

// Every number equal, bit for bit.
void check_same(const Scored& a, const Scored& b) {
  CHECK(a.id == b.id);
  REQUIRE(a.responses.size() == b.responses.size());
  for (std::size_t i = 0; i < a.responses.size(); ++i) {
    CHECK(a.responses[i].error == b.responses[i].error);
    REQUIRE(a.responses[i].scored.has_value() == b.responses[i].scored.has_value());
    if (!a.responses[i].scored) {
      continue;
    }
    const ScoredResponse& x = *a.responses[i].scored;
    const ScoredResponse& y = *b.responses[i].scored;
    CHECK(x.reward == y.reward);
    CHECK(x.log_prob == y.log_prob);
    CHECK(x.value == y.value);
    CHECK(x.aggregates->chunked_mean == y.aggregates->chunked_mean);
    CHECK(x.aggregates->min_step == y.aggregates->min_step);
    CHECK(x.token_ids == y.token_ids);
    CHECK(x.token_texts == y.token_texts);
    REQUIRE(x.tokens.size() == y.tokens.size());
    for (std::size_t t = 0; t < x.tokens.size(); ++t) {
      CHECK(x.tokens[t].reward == y.tokens[t].reward);
      CHECK(x.tokens[t].q == y.tokens[t].q);
      CHECK(x.tokens[t].value == y.tokens[t].value);
      CHECK(x.tokens[t].entropy.value() == y.tokens[t].entropy.value());
    }
  }
}

TEST_CASE("a known reward is recovered from records, with V, and telescopes") {
  constexpr double kTolerance = 1e-10;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double alpha : {1.0, 0.3, 2.5}) {
      RandomStream random(seed);
      SoftOptimalProblem problem(seed, 2 + seed % 4, 1 + seed % 5, alpha);
      TabularEngine engine(problem.vocabulary, problem.logits(), {.end_of_turn = true});
      ScoreOptions options;
      options.alpha = alpha;
      options.aggregate.kind = Aggregation::kSum;
      options.aggregate.initial_value = true;
      for (int sample = 0; sample < 5; ++sample) {
        const Tokens prompt = random_tokens(random, problem.vocabulary, SoftOptimalProblem::kPrompt);
        const std::size_t length = 1 + random.below(problem.horizon);
        Tokens response = random_tokens(random, problem.vocabulary, length);
        const bool full = length == problem.horizon;  // ends by the horizon instead of an end of turn
        INFO("seed ", seed, ", alpha ", alpha, ", prompt ", spelled(prompt), ", response ", spelled(response));
        const json record = {{"prompt", spelled(prompt)}, {"response", spelled(response)}, {"truncated", full}};
        const Scored row = score_one(engine, options, record);
        const ScoredResponse& scored = scored_of(row, 0);
        CHECK(scored.finish == (full ? Finish::kTruncated : Finish::kEndOfTurn));
        if (!full) {
          response.push_back(static_cast<Token>(problem.vocabulary - 1));
        }
        REQUIRE(scored.token_ids == response);
        Tokens path = prompt;
        double sum_of_rewards = 0.0;
        long double log_prob = 0.0L;
        for (std::size_t t = 0; t < response.size(); ++t) {
          const TokenReward& token = scored.tokens.at(t);
          CHECK(std::abs(token.reward - problem.reward(path, response[t])) <= kTolerance);
          CHECK(std::abs(token.value - static_cast<double>(problem.value(path))) <= kTolerance);
          CHECK(std::abs(token.log_prob - static_cast<double>(problem.log_prob(path, response[t]))) <= kTolerance);
          sum_of_rewards += token.reward;
          log_prob += problem.log_prob(path, response[t]);
          path.push_back(response[t]);
        }
        const double value = static_cast<double>(problem.value(prompt));
        const double expected = alpha * static_cast<double>(log_prob) + value;
        CHECK(std::abs(scored.value.value() - value) <= kTolerance);
        CHECK(std::abs(*scored.log_prob - static_cast<double>(log_prob)) <= kTolerance);
        CHECK(std::abs(sum_of_rewards - expected) <= kTolerance);
        CHECK(std::abs(scored.aggregates->sum - sum_of_rewards) <= kTolerance);
        CHECK(scored.reward == scored.aggregates->sum);
        // Without V(s_1) the sum is that of alpha log pi alone.
        ScoreOptions plain = options;
        plain.aggregate.initial_value = false;
        const Scored without = score_one(engine, plain, record);
        CHECK(std::abs(scored_of(without, 0).reward - alpha * static_cast<double>(log_prob)) <= kTolerance);
      }
    }
  }
}

TEST_CASE("a response that was cut off ends with Q itself: V behind the last token is 0") {
  SoftOptimalProblem problem(3, 4, 5, 1.0);
  TabularEngine engine(4, problem.logits(), {.end_of_turn = true});
  const Scored row =
      score_one(engine, {}, {{"prompt", "[0][1]"}, {"responses", {"[2][1]", "[2][1]"}}, {"truncated", {true, false}}});
  const ScoredResponse& cut = scored_of(row, 0);
  const ScoredResponse& ended = scored_of(row, 1);
  REQUIRE(cut.tokens.size() == 2);
  REQUIRE(ended.tokens.size() == 3);
  CHECK(cut.finish == Finish::kTruncated);
  CHECK(ended.finish == Finish::kEndOfTurn);
  CHECK(cut.tokens[1].reward == cut.tokens[1].q);
  CHECK(std::abs(cut.tokens[1].q - static_cast<double>(problem.q({0, 1, 2})[1])) <= 1e-10);
  CHECK(std::abs(ended.tokens[1].reward - problem.reward({0, 1, 2}, 1)) <= 1e-10);
}

TEST_CASE("every aggregation is what a plain computation from the known policy gives") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const double alpha : {1.0, 0.5}) {
      for (const bool initial_value : {false, true}) {
        INFO("seed ", seed, ", alpha ", alpha, ", V(s_1) ", initial_value);
        SoftOptimalProblem problem(seed, 3, 9, alpha);
        TabularEngine engine(3, problem.logits(), {.end_of_turn = true});
        ScoreOptions options;
        options.alpha = alpha;
        options.aggregate = {.gamma = 0.8, .floor = 0.3, .chunk = 3, .last_k = 4, .initial_value = initial_value};
        options.step_separator = "[1]";
        // The separator is a token: the steps are 3, 1 and 4 tokens (the end of turn belongs to the last).
        const Tokens response = {0, 0, 1, 0, 1, 0, 0, 0, 2};
        const json steps = {{"prompt", "[1][0]"}, {"steps", {"[0][0]", "[0]", "[0][0][0]"}}};
        const Scored row = score_one(engine, options, steps);
        const Aggregates& found = *scored_of(row, 0).aggregates;
        REQUIRE(scored_of(row, 0).token_ids == response);

        std::vector<double> r;  // alpha log pi
        Tokens path = {1, 0};
        const double value = initial_value ? static_cast<double>(problem.value(path)) : 0.0;
        for (const Token token : response) {
          r.push_back(alpha * static_cast<double>(problem.log_prob(path, token)));
          path.push_back(token);
        }
        double sum = value;
        double discounted = value;
        for (std::size_t t = 0; t < r.size(); ++t) {
          sum += r[t];
          discounted += std::max(std::pow(0.8, static_cast<double>(t)), 0.3) * r[t];
        }
        const double chunks = ((r[0] + r[1] + r[2]) / 3 + (r[3] + r[4] + r[5]) / 3 + (r[6] + r[7] + r[8]) / 3) / 3;
        const double last = (r[5] + r[6] + r[7] + r[8]) / 4;
        const std::vector<double> means = {(r[0] + r[1] + r[2]) / 3, (r[3] + r[4]) / 2,
                                           (r[5] + r[6] + r[7] + r[8]) / 4};
        const double step_mean = (means[0] + means[1] + means[2]) / 3;
        const double min_step = *std::min_element(means.begin(), means.end());
        const std::vector<std::pair<Aggregation, double>> expected = {{Aggregation::kSum, sum},
                                                                      {Aggregation::kMean, sum / 9},
                                                                      {Aggregation::kDiscounted, discounted},
                                                                      {Aggregation::kChunkedMean, chunks},
                                                                      {Aggregation::kLastK, last},
                                                                      {Aggregation::kStepMean, step_mean},
                                                                      {Aggregation::kMinStep, min_step}};
        for (const auto& [kind, number] : expected) {
          INFO(aggregation_name(kind));
          options.aggregate.kind = kind;
          const Scored chosen = score_one(engine, options, steps);
          CHECK(std::abs(scored_of(chosen, 0).reward - number) <= 1e-10);
          CHECK(std::abs(chosen_reward(found, kind) - number) <= 1e-10);
        }
        REQUIRE(found.steps.size() == 3);
        for (std::size_t s = 0; s < 3; ++s) {
          CHECK(std::abs(found.steps[s].mean - means[s]) <= 1e-10);
        }
        // The same text without steps: found at the separator where asked, none otherwise.
        options.aggregate.kind = Aggregation::kMinStep;
        const json text = {{"prompt", "[1][0]"}, {"response", "[0][0][1][0][1][0][0][0]"}};
        CHECK(contains(score_one(engine, options, text).responses[0].error, "min_step needs the response in steps"));
        options.find_steps = true;
        const Scored split = score_one(engine, options, text);
        CHECK(scored_of(split, 0).aggregates->min_step.value() == found.min_step.value());
      }
    }
  }
}

// Records that share prompts and responses in part, some pairs twice, one response empty.
std::vector<Request> entangled_requests(RandomStream& random, std::size_t vocabulary) {
  const std::vector<Tokens> prompts = {{0, 1}, {0, 0}, {0, 1, 0}, {1}};
  std::vector<Request> requests;
  for (std::size_t i = 0; i < 12; ++i) {
    json responses = json::array();
    for (std::size_t k = 1 + random.below(4); k > 0; --k) {
      responses.push_back(spelled(random_tokens(random, vocabulary, random.below(5))));
    }
    responses.push_back(responses[0]);
    requests.push_back(request_of({{"id", "r" + std::to_string(i)},
                                   {"prompt", spelled(prompts[random.below(prompts.size())])},
                                   {"responses", responses}},
                                  i + 1));
  }
  return requests;
}

TEST_CASE("steps of every turn cover all that is scored") {
  TabularEngine engine(6, [](std::span<const Token> path) { return random_row(1, path, 6, 4.0); },
                       {.end_of_turn = true});
  const json earlier = {{{"role", "user"}, {"content", "[0][1]"}},
                        {{"role", "assistant"}, {"content", "[2][4][3]"}},
                        {{"role", "user"}, {"content", "[1]"}}};
  const auto begins = [&](const json& record, bool find_steps) {
    ScoreOptions options;
    options.turns = ScoredTurns::kAll;
    options.find_steps = find_steps;
    options.step_separator = "[4]";
    const Scored scored = score_one(engine, options, record);
    std::vector<std::size_t> found;
    for (const StepReward& step : scored_of(scored, 0).aggregates->steps) {
      found.push_back(step.tokens.begin);
    }
    return found;
  };
  // [2][4] [3]<end> | [2][4] [2][4] [3]<end>
  CHECK(begins({{"prompt", earlier}, {"response", "[2][4][2][4][3]"}}, true) ==
        std::vector<std::size_t>{0, 2, 4, 6, 8});
  // A turn that was not split is one step beside those that were given.
  CHECK(begins({{"prompt", earlier}, {"steps", {"[2]", "[3]"}}}, false) == std::vector<std::size_t>{0, 4, 6});
  CHECK(begins({{"prompt", earlier}, {"response", "[2][4]"}}, false).empty());
}

TEST_CASE("sharing, cache, order of records and of responses change no number") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed ", seed);
    RandomStream random(seed);
    const std::size_t vocabulary = 4;
    const auto logits = [&](std::span<const Token> path) { return random_row(seed, path, vocabulary, 4.0); };
    TabularEngine engine(vocabulary, logits, {.end_of_turn = true});
    const std::vector<Request> requests = entangled_requests(random, vocabulary);
    const TemporaryDirectory directory;
    StatsCache cache(directory.file("cache"));
    EndogenousScorer scorer(engine, cache, {});
    const std::vector<Scored> expected = scorer.score(requests);
    REQUIRE(expected.size() == requests.size());

    SUBCASE("sharing off") {
      ScoreOptions options;
      options.share_prefixes = false;
      StatsCache other(std::nullopt);
      const std::size_t shared_rows = engine.tokens_computed();
      const std::vector<Scored> alone = EndogenousScorer(engine, other, options).score(requests);
      CHECK(engine.tokens_computed() - shared_rows >= shared_rows);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        check_same(alone[i], expected[i]);
      }
    }
    SUBCASE("a cache that knows them, also from a file: nothing is computed again") {
      const std::size_t rows = engine.tokens_computed();
      const std::vector<Scored> again = scorer.score(requests);
      StatsCache reopened(directory.file("cache"));
      const std::vector<Scored> from_file = EndogenousScorer(engine, reopened, {}).score(requests);
      CHECK(engine.tokens_computed() == rows);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        check_same(again[i], expected[i]);
        check_same(from_file[i], expected[i]);
      }
    }
    SUBCASE("records one at a time, in another order, each with a cache of its own") {
      for (std::size_t i = requests.size(); i > 0; --i) {
        StatsCache own(std::nullopt);
        check_same(EndogenousScorer(engine, own, {}).score(std::span(&requests[i - 1], 1))[0], expected[i - 1]);
      }
    }
    SUBCASE("records and responses shuffled") {
      std::vector<std::size_t> order(requests.size());
      for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
        std::swap(order[i], order[random.below(i + 1)]);
      }
      std::vector<Request> shuffled;
      for (const std::size_t i : order) {
        shuffled.push_back(requests[i]);
        std::reverse(shuffled.back().responses.begin(), shuffled.back().responses.end());
      }
      StatsCache own(std::nullopt);
      std::vector<Scored> found = EndogenousScorer(engine, own, {}).score(shuffled);
      for (std::size_t i = 0; i < order.size(); ++i) {
        std::reverse(found[i].responses.begin(), found[i].responses.end());
        check_same(found[i], expected[order[i]]);
      }
    }
  }
}

TEST_CASE("equal pairs are computed once, within a call and across calls") {
  const auto logits = [](std::span<const Token> path) { return random_row(1, path, 4, 4.0); };
  TabularEngine engine(4, logits);
  StatsCache cache(std::nullopt);
  ScoreOptions options;
  options.share_prefixes = false;
  EndogenousScorer scorer(engine, cache, options);
  const std::vector<Request> twice = {request_of({{"prompt", "[0]"}, {"responses", {"[1][2]", "[1][2]", "[3]"}}}, 1),
                                      request_of({{"prompt", "[0]"}, {"response", "[1][2]"}}, 2)};
  scorer.score(twice);
  CHECK(engine.tokens_computed() == 3);  // [1][2] and [3]
  CHECK(scorer.tokens_asked() == 3 + 3 + 2 + 3);
  scorer.score(twice);
  CHECK(engine.tokens_computed() == 3);
  const std::vector<Request> other = {request_of({{"prompt", "[0]"}, {"response", "[1]"}}, 3)};
  scorer.score(other);
  CHECK(engine.tokens_computed() == 4);
  // Another temperature is another number.
  options.alpha = 2.0;
  EndogenousScorer(engine, cache, options).score(other);
  CHECK(engine.tokens_computed() == 5);
}

TEST_CASE("temperatures that a pass was also asked for cost no other pass") {
  const auto logits = [](std::span<const Token> path) { return random_row(1, path, 4, 4.0); };
  TabularEngine engine(4, logits);
  StatsCache cache(std::nullopt);
  const std::vector<Request> requests = {request_of({{"prompt", "[0]"}, {"responses", {"[1][2]", "[3]"}}}, 1)};
  ScoreOptions options;
  options.also_alphas = {2.0, 1.0, 0.5, 2.0};  // 1 is the one that is asked for anyway
  EndogenousScorer(engine, cache, options).score(requests);
  const std::size_t rows = engine.tokens_computed();
  for (const double alpha : {0.5, 1.0, 2.0}) {
    CAPTURE(alpha);
    ScoreOptions later;
    later.alpha = alpha;
    const Scored known = EndogenousScorer(engine, cache, later).score(requests).front();
    CHECK(engine.tokens_computed() == rows);
    StatsCache empty(std::nullopt);
    TabularEngine other(4, logits);
    const Scored anew = EndogenousScorer(other, empty, later).score(requests).front();
    for (std::size_t i = 0; i < anew.responses.size(); ++i) {
      CHECK(known.responses[i].scored.value().reward == anew.responses[i].scored.value().reward);
      CHECK(known.responses[i].scored.value().value == anew.responses[i].scored.value().value);
    }
  }
}

}  // namespace
}  // namespace endorm
