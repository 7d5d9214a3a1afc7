#include "engine/tabular_engine.h"

#include <cmath>
#include <limits>
#include <random>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/reward.h"

namespace endorm {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A random problem: a reward for every (path, action) of a tree of given depth, and the soft-optimal Q of it by
// backward induction in long double: Q(s, a) = r(s, a) + V(s a), V(s) = alpha log sum exp(Q(s, .) / alpha), V at the
// end = 0. The token V - 1 ends a path early.
struct SoftOptimalProblem {
  SoftOptimalProblem(std::uint64_t seed, std::size_t tokens, std::size_t depth, double temperature)
      : random(seed), vocabulary(tokens), horizon(depth), alpha(temperature) {
    solve({0}, depth);
  }

  long double solve(const Tokens& path, std::size_t steps_left) {
    std::normal_distribution<double> normal(0.0, 3.0);
    std::vector<double> reward_row(vocabulary);
    std::vector<double> q_row(vocabulary);
    long double sum = 0.0L;
    for (std::size_t action = 0; action < vocabulary; ++action) {
      reward_row[action] = normal(random);
      Tokens after = path;
      after.push_back(static_cast<Token>(action));
      const bool ends = steps_left == 1 || action == vocabulary - 1;
      const long double q = static_cast<long double>(reward_row[action]) + (ends ? 0.0L : solve(after, steps_left - 1));
      q_row[action] = static_cast<double>(q);
      sum += std::exp(q / static_cast<long double>(alpha));
    }
    rewards[path] = reward_row;
    logits[path] = q_row;
    return static_cast<long double>(alpha) * std::log(sum);
  }

  // A path of actions from the start: until the end of turn or the horizon.
  Tokens random_response() {
    Tokens response;
    while (response.size() < horizon && (response.empty() || response.back() != static_cast<Token>(vocabulary - 1))) {
      response.push_back(std::uniform_int_distribution<Token>(0, static_cast<Token>(vocabulary - 1))(random));
    }
    return response;
  }

  std::mt19937_64 random;
  std::size_t vocabulary;
  std::size_t horizon;
  double alpha;
  TabularEngine::LogitTable rewards;  // r(path, .)
  TabularEngine::LogitTable logits;   // Q(path, .)
};

// A function of the path that is not smooth in it, so that a wrong state shows.
std::vector<double> scrambled_logits(std::span<const Token> path, std::size_t vocabulary) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const Token token : path) {
    hash = (hash ^ static_cast<std::uint64_t>(token + 1)) * 0x100000001b3ULL;
  }
  std::mt19937_64 random(hash);
  std::vector<double> row(vocabulary);
  for (double& logit : row) {
    logit = std::normal_distribution<double>(0.0, 4.0)(random);
  }
  return row;
}

TEST_CASE("inverting the soft Bellman operator recovers a known reward exactly") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    for (const double alpha : {1.0, 0.3, 2.5}) {
      SoftOptimalProblem problem(seed, 2 + seed % 4, 1 + seed % 5, alpha);
      TabularEngine engine(problem.vocabulary, problem.logits);
      for (int sample = 0; sample < 10; ++sample) {
        const Tokens response = problem.random_response();
        INFO("seed ", seed, ", alpha ", alpha, ", vocabulary ", problem.vocabulary, ", tokens ", response.size());
        TokenTree tree;
        tree.insert(Tokens{0}, response);
        const auto stats = engine.evaluate(tree, {.alphas = {alpha}}).front();
        const auto rewards = token_rewards(stats, alpha);
        REQUIRE(rewards.size() == response.size());
        Tokens path = {0};
        for (std::size_t at = 0; at < response.size(); ++at) {
          const double truth = problem.rewards.at(path)[static_cast<std::size_t>(response[at])];
          CHECK(std::abs(rewards[at].reward - truth) <= 1e-12);
          path.push_back(response[at]);
        }
      }
    }
  }
}

TEST_CASE("statistics of a tree are those of its sequences one by one, whether prefixes are shared or not") {
  const std::size_t vocabulary = 5;
  const auto logits = [&](std::span<const Token> path) { return scrambled_logits(path, vocabulary); };
  const std::vector<Tokens> responses = {{1, 2, 3}, {1, 2, 4}, {1}, {0, 2, 3}, {1, 2, 3, 3}};
  TokenTree tree;
  std::vector<std::vector<std::size_t>> nodes;
  for (const Tokens& response : responses) {
    nodes.push_back(tree.insert(Tokens{3, 1}, response));
  }
  TabularEngine shared(vocabulary, logits);
  TabularEngine alone(vocabulary, logits);
  const auto stats = shared.evaluate(tree, {}).front();
  const auto stats_alone = alone.evaluate(tree, {.alphas = {1.0}, .share_prefixes = false}).front();
  REQUIRE(stats.size() == tree.scored_count());
  REQUIRE(stats_alone.size() == stats.size());
  // The prompt and {1} {1,2} {1,2,3} {0} {0,2} have scored children: 6 states for 8 scored tokens.
  CHECK(shared.tokens_computed() == 6);
  CHECK(alone.tokens_computed() == 8);
  std::vector<std::size_t> index(tree.nodes().size(), 0);
  for (std::size_t node = 0, scored = 0; node < tree.nodes().size(); ++node) {
    if (tree.nodes()[node].scored) {
      index[node] = scored++;
    }
  }
  for (std::size_t at = 0; at < responses.size(); ++at) {
    Tokens path = {3, 1};
    for (std::size_t token = 0; token < responses[at].size(); ++token) {
      const std::vector<double> row = scrambled_logits(path, vocabulary);
      const RowStatistics expected = row_statistics(std::span<const double>(row));
      for (const TokenStats& found : {stats[index[nodes[at][token]]], stats_alone[index[nodes[at][token]]]}) {
        CHECK(found.logit == row[static_cast<std::size_t>(responses[at][token])]);
        CHECK(found.log_sum_exp == expected.log_sum_exp);
        CHECK(found.entropy.value() == expected.entropy);
        CHECK(found.uniform_divergence.value() == expected.uniform_divergence);
      }
      path.push_back(responses[at][token]);
    }
  }
}

TEST_CASE("row_statistics in double agrees with long double, and is exact where the answer is known") {
  std::mt19937_64 random(7);
  for (int sample = 0; sample < 200; ++sample) {
    const double alpha = std::exp(std::uniform_real_distribution<double>(-2.0, 2.0)(random));
    const double offset = std::uniform_real_distribution<double>(-5000.0, 5000.0)(random);
    std::vector<double> row(1 + random() % 300);
    for (double& logit : row) {
      logit = random() % 10 == 0 ? -kInfinity : offset + std::normal_distribution<double>(0.0, 5.0)(random);
    }
    row[random() % row.size()] = offset;
    long double sum = 0.0L;
    for (const double logit : row) {
      sum += std::exp((static_cast<long double>(logit) - offset) / alpha);
    }
    const long double log_sum_exp = std::log(sum) + static_cast<long double>(offset) / alpha;
    long double entropy = 0.0L;
    for (const double logit : row) {
      const long double log_prob = static_cast<long double>(logit) / alpha - log_sum_exp;
      entropy -= std::isfinite(log_prob) ? std::exp(log_prob) * log_prob : 0.0L;
    }
    INFO("sample ", sample, ", alpha ", alpha, ", offset ", offset, ", V ", row.size());
    const RowStatistics found = row_statistics(std::span<const double>(row), alpha);
    CHECK(std::abs(found.log_sum_exp - static_cast<double>(log_sum_exp)) <= 1e-14 * (1.0 + std::abs(offset / alpha)));
    CHECK(std::abs(found.entropy - static_cast<double>(entropy)) <= 1e-12);
    long double divergence = 0.0L;
    long double unmasked = 0.0L;
    for (const double logit : row) {
      if (std::isfinite(logit)) {
        divergence += log_sum_exp - static_cast<long double>(logit) / alpha;
        unmasked += 1.0L;
      }
    }
    divergence = divergence / unmasked - std::log(unmasked);
    CHECK(std::abs(found.uniform_divergence - static_cast<double>(divergence)) <= 1e-10);
  }
  const std::vector<double> uniform(8, 1e6);
  const RowStatistics flat = row_statistics(std::span<const double>(uniform));
  CHECK(std::abs(flat.entropy - std::log(8.0)) <= 1e-15);
  CHECK(flat.log_sum_exp == 1e6 + std::log(8.0));
  // A policy that is nearly certain: the small probability must not be lost beside 1.
  const std::vector<double> peaked = {0.0, -50.0};
  const RowStatistics sure = row_statistics(std::span<const double>(peaked));
  CHECK(std::abs(sure.log_sum_exp / std::exp(-50.0) - 1.0) <= 1e-12);
  CHECK(std::abs(sure.entropy / (51.0 * std::exp(-50.0)) - 1.0) <= 1e-12);
}

TEST_CASE("row_statistics in double refuses what has no answer") {
  const auto of = [](std::vector<double> row, double alpha) {
    return row_statistics(std::span<const double>(row), alpha);
  };
  CHECK_THROWS_AS(of({}, 1.0), InvalidInput);
  CHECK_THROWS_AS(of({0.0, std::nan("")}, 1.0), InvalidInput);
  CHECK_THROWS_AS(of({0.0, kInfinity}, 1.0), InvalidInput);
  CHECK_THROWS_AS(of({-kInfinity, -kInfinity}, 1.0), InvalidInput);
  CHECK_THROWS_AS(of({1e300, 0.0}, 1e-20), InvalidInput);
  for (const double alpha : {0.0, -1.0, std::nan(""), kInfinity}) {
    CHECK_THROWS_AS(of({0.0, 1.0}, alpha), InvalidInput);
  }
}

TEST_CASE("the text form reads and writes tokens, and nothing else") {
  TabularOptions options;
  options.end_of_turn = true;
  const TabularEngine engine(13, TabularEngine::LogitTable{}, options);
  const std::vector<Message> messages = {{"system", "[3]"}, {"user", "[0][11]"}};
  const std::vector<ResponseText> responses = {{"[1][10][2]", false}, {"[1][10][2]", true}, {"", false}};
  const auto tokenized = engine.tokenize(messages, responses, {});
  REQUIRE(tokenized.size() == 3);
  for (const TokenizedResponse& each : tokenized) {
    CHECK(each.prompt == Tokens{3, 0, 11});
  }
  CHECK(tokenized[0].response == Tokens{1, 10, 2, 12});
  CHECK(tokenized[0].byte_offsets == std::vector<std::size_t>{0, 3, 7, 10});
  CHECK(tokenized[0].finish == Finish::kEndOfTurn);
  CHECK(tokenized[1].response == Tokens{1, 10, 2});
  CHECK(tokenized[1].finish == Finish::kTruncated);
  CHECK(tokenized[2].response == Tokens{12});
  CHECK(engine.tokenize(messages, responses, {.end_of_turn = false})[0].response == Tokens{1, 10, 2});
  CHECK(engine.token_bytes(1) + engine.token_bytes(10) + engine.token_bytes(2) == responses[0].text);

  for (const char* text : {"1", "[1", "[1]x", " [1]", "[1] [2]", "[+1]", "[-1]", "[01]", "[]", "[13]", "[12]", "[1e0]",
                           "[99999999999999999999]", "["}) {
    INFO(text);
    CHECK_THROWS_AS(engine.tokenize(messages, std::vector<ResponseText>{{text, false}}, {}), InvalidInput);
  }
  CHECK_THROWS_AS(engine.token_bytes(13), InvalidInput);
  CHECK_THROWS_AS(engine.token_bytes(-1), InvalidInput);
}

TEST_CASE("states, tokens and rows that do not exist are refused") {
  const auto evaluate = [](TabularEngine& engine, const Tokens& prompt, const Tokens& response) {
    TokenTree tree;
    tree.insert(prompt, response);
    return engine.evaluate(tree, {}).front();
  };
  TabularEngine table(2, TabularEngine::LogitTable{{{0}, {1.0, -kInfinity}}});
  const auto masked = evaluate(table, {0}, {1});
  REQUIRE(masked.size() == 1);
  CHECK(masked[0].logit == -kInfinity);
  CHECK(masked[0].log_sum_exp == 1.0);
  CHECK(masked[0].entropy.value() == 0.0);
  CHECK_THROWS_AS(evaluate(table, {1}, {0}), InvalidInput);
  CHECK_THROWS_AS(evaluate(table, {0}, {2}), InvalidInput);
  CHECK_THROWS_AS(evaluate(table, {-1}, {0}), InvalidInput);
  CHECK_THROWS_AS(TabularEngine(3, TabularEngine::LogitTable{{{0}, {1.0, 2.0}}}), InvalidInput);
  CHECK_THROWS_AS(TabularEngine(0, TabularEngine::LogitTable{}), InvalidInput);

  TabularEngine short_rows(3, [](std::span<const Token>) { return std::vector<double>{1.0, 2.0}; });
  CHECK_THROWS_AS(evaluate(short_rows, {0}, {1}), EngineError);

  TabularOptions options;
  options.context = 3;
  TabularEngine small(
      2,
      [](std::span<const Token>) {
        return std::vector<double>{1.0, 2.0};
      },
      options);
  CHECK(evaluate(small, {0}, {1, 1}).size() == 2);
  CHECK_THROWS_AS(evaluate(small, {0}, {1, 1, 1}), InvalidInput);
}

}  // namespace
}  // namespace endorm
