#include "core/reward.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/aggregate.h"
#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/random.h"

namespace endorm {
namespace {

// A random response: the logits of each of its T states [T,V] and the tokens taken [T].
struct Response {
  std::vector<std::vector<float>> logits;
  std::vector<std::size_t> tokens;
};

Response random_response(RandomStream& random) {
  const std::size_t vocabulary = 2 + random.below(300);
  Response response;
  response.logits.resize(1 + random.below(60));
  for (std::vector<float>& row : response.logits) {
    for (std::size_t a = 0; a < vocabulary; ++a) {
      row.push_back(static_cast<float>(5.0 * random.normal()));
    }
    response.tokens.push_back(random.below(vocabulary));
  }
  return response;
}

std::vector<TokenReward> rewards_of(const Response& response, double alpha) {
  std::vector<TokenStats> stats;
  for (std::size_t h = 0; h < response.tokens.size(); ++h) {
    const RowStatistics row = row_statistics(response.logits[h], alpha);
    stats.push_back({static_cast<double>(response.logits[h][response.tokens[h]]), row.log_sum_exp, row.entropy});
  }
  return token_rewards(stats, alpha);
}

double episode_return(const std::vector<TokenReward>& rewards) {
  double sum = 0.0;
  for (const TokenReward& token : rewards) {
    sum += token.reward;
  }
  return sum;
}

double sum_log_prob(const std::vector<TokenReward>& rewards) {
  double sum = 0.0;
  for (const TokenReward& token : rewards) {
    sum += token.log_prob;
  }
  return sum;
}

// Two states worked out by hand; a wrong sign of V', a V' of the wrong state, a forgotten alpha or a value after the
// last token would each change a number here.
TEST_CASE("two tokens at alpha = 2, by hand") {
  const double alpha = 2.0;
  const std::vector<TokenStats> stats{{3.0, 2.0, 0.25}, {1.0, 5.0, std::nullopt}};
  const std::vector<TokenReward> rewards = token_rewards(stats, alpha);
  REQUIRE(rewards.size() == 2);
  CHECK(rewards[0].q == 3.0);
  CHECK(rewards[0].value == 4.0);      // alpha * log_sum_exp
  CHECK(rewards[0].log_prob == -0.5);  // (3 - 4) / 2
  CHECK(rewards[0].reward == -7.0);    // 3 - V(s_2) = 3 - 10
  CHECK(rewards[0].entropy == 0.25);
  CHECK(rewards[1].value == 10.0);
  CHECK(rewards[1].log_prob == -4.5);  // (1 - 10) / 2
  CHECK(rewards[1].reward == 1.0);     // 1 - 0: no value after the last token
  CHECK(!rewards[1].entropy.has_value());
  CHECK(episode_return(rewards) == -6.0);  // 2 * (-0.5 - 4.5) + 4
  CHECK(token_rewards({}, alpha).empty());
}

TEST_CASE("the return telescopes: sum r = alpha sum log pi + V(s_1), and r_h = alpha log pi_h + V(s_h) - V(s_{h+1})") {
  constexpr std::uint64_t kSeed = 11;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 100; ++round) {
    const double alpha = 0.2 + 3.0 * random.uniform();
    INFO("round ", round, ", alpha ", alpha);
    const std::vector<TokenReward> rewards = rewards_of(random_response(random), alpha);
    const double telescoped = alpha * sum_log_prob(rewards) + rewards.front().value;
    const double tolerance = 1e-13 * 50.0 * static_cast<double>(rewards.size());
    CHECK(std::abs(episode_return(rewards) - telescoped) <= tolerance);
    const Aggregates aggregates =
        aggregate(log_probs_of(rewards), {}, alpha, {.initial_value = true}, initial_value_of(rewards));
    CHECK(std::abs(episode_return(rewards) - aggregates.sum) <= tolerance);
    for (std::size_t h = 0; h < rewards.size(); ++h) {
      const double next_value = h + 1 < rewards.size() ? rewards[h + 1].value : 0.0;
      const double from_policy = alpha * rewards[h].log_prob + rewards[h].value - next_value;
      CHECK(std::abs(rewards[h].reward - from_policy) <= 1e-12);
      CHECK(rewards[h].log_prob <= 1e-14);
    }
  }
}

TEST_CASE("discounted: sum gamma^(h-1) (Q - gamma V') = alpha sum gamma^(h-1) log pi + V(s_1)") {
  constexpr std::uint64_t kSeed = 12;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 100; ++round) {
    const double alpha = 0.2 + 3.0 * random.uniform();
    const double gamma = random.uniform();
    INFO("round ", round, ", alpha ", alpha, ", gamma ", gamma);
    const std::vector<TokenReward> rewards = rewards_of(random_response(random), alpha);
    double discounted_return = 0.0;
    for (std::size_t h = 0; h < rewards.size(); ++h) {
      const double next_value = h + 1 < rewards.size() ? rewards[h + 1].value : 0.0;
      discounted_return += std::pow(gamma, static_cast<double>(h)) * (rewards[h].q - gamma * next_value);
    }
    const Aggregates aggregates =
        aggregate(log_probs_of(rewards), {}, alpha, {.gamma = gamma, .initial_value = true}, initial_value_of(rewards));
    CHECK(std::abs(aggregates.discounted - discounted_return) <= 1e-11);
  }
}

TEST_CASE("adding c to every logit leaves log pi and moves V, and with it the return, by c") {
  constexpr std::uint64_t kSeed = 13;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 50; ++round) {
    Response response = random_response(random);
    const double alpha = 0.2 + 3.0 * random.uniform();
    // Logits on a grid of 1/256 and a whole c: the shifted floats are exact.
    for (auto& row : response.logits) {
      for (float& logit : row) {
        logit = std::round(logit * 256.0F) / 256.0F;
      }
    }
    const std::vector<TokenReward> before = rewards_of(response, alpha);
    const float c = static_cast<float>(random.below(2000)) - 1000.0F;
    for (auto& row : response.logits) {
      for (float& logit : row) {
        logit += c;
      }
    }
    INFO("round ", round, ", alpha ", alpha, ", c ", c);
    const std::vector<TokenReward> after = rewards_of(response, alpha);
    for (std::size_t h = 0; h < before.size(); ++h) {
      CHECK(std::abs(after[h].log_prob - before[h].log_prob) <= 1e-12 / alpha);
      CHECK(std::abs(after[h].value - before[h].value - static_cast<double>(c)) <= 1e-12);
      CHECK(std::abs(*after[h].entropy - *before[h].entropy) <= 1e-12);
    }
    CHECK(std::abs(episode_return(after) - episode_return(before) - static_cast<double>(c)) <= 1e-10);
  }
}

TEST_CASE("scaling logits and alpha together scales V and rewards and leaves the policy") {
  constexpr std::uint64_t kSeed = 14;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 50; ++round) {
    Response response = random_response(random);
    const double alpha = 0.2 + 3.0 * random.uniform();
    // A power of two: the scaled floats are exact.
    const double c = std::ldexp(1.0, static_cast<int>(random.below(9)) - 4);
    const std::vector<TokenReward> before = rewards_of(response, alpha);
    for (auto& row : response.logits) {
      for (float& logit : row) {
        logit *= static_cast<float>(c);
      }
    }
    INFO("round ", round, ", alpha ", alpha, ", c ", c);
    const std::vector<TokenReward> after = rewards_of(response, c * alpha);
    for (std::size_t h = 0; h < before.size(); ++h) {
      CHECK(std::abs(after[h].value - c * before[h].value) <= 1e-12 * c);
      CHECK(std::abs(after[h].reward - c * before[h].reward) <= 1e-12 * c);
      CHECK(std::abs(after[h].log_prob - before[h].log_prob) <= 1e-12 / alpha);
      CHECK(std::abs(*after[h].entropy - *before[h].entropy) <= 1e-12);
    }
  }
}

TEST_CASE("the probabilities of all tokens sum to one") {
  constexpr std::uint64_t kSeed = 15;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const Response response = random_response(random);
  for (const double alpha : {0.5, 1.0, 2.5}) {
    const double value = soft_value(response.logits[0], alpha);
    double total = 0.0;
    for (const float q : response.logits[0]) {
      total += std::exp((static_cast<double>(q) - value) / alpha);
    }
    CHECK(std::abs(total - 1.0) <= 1e-13);
  }
}

TEST_CASE("statistics that are not finite are refused with their token") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    const std::vector<TokenStats> bad_logit{{0.0, 1.0, {}}, {bad, 1.0, {}}};
    const std::vector<TokenStats> bad_sum{{0.0, bad, {}}, {0.0, 1.0, {}}};
    CHECK_THROWS_WITH_AS(token_rewards(bad_logit, 1.0), doctest::Contains("logit of token 1"), InvalidInput);
    CHECK_THROWS_WITH_AS(token_rewards(bad_sum, 1.0), doctest::Contains("log_sum_exp of token 0"), InvalidInput);
    CHECK_THROWS_AS(preference_probability(bad, 0.0), InvalidInput);
    CHECK_THROWS_AS(preference_probability(0.0, bad), InvalidInput);
  }
  for (const double alpha : {0.0, -1.0, kNan, kInfinity}) {
    CHECK_THROWS_AS(token_rewards(std::vector<TokenStats>{{0.0, 1.0, {}}}, alpha), InvalidInput);
    CHECK_THROWS_AS(soft_value(std::vector<float>{1.0F}, alpha), InvalidInput);
  }
}

TEST_CASE("Bradley-Terry: symmetric, monotone, right at the ends") {
  constexpr std::uint64_t kSeed = 16;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 1000; ++round) {
    const double first = 20.0 * random.normal();
    const double second = 20.0 * random.normal();
    INFO(first, " against ", second);
    const double probability = preference_probability(first, second);
    CHECK(std::abs(probability + preference_probability(second, first) - 1.0) <= 0x1p-52);
    CHECK(probability >= 0.0);
    CHECK(probability <= 1.0);
    CHECK((first > second) == (probability > 0.5));
    CHECK(preference_probability(first + 0.5, second) >= probability);
  }
  CHECK(preference_probability(4.0, 4.0) == 0.5);
  CHECK(preference_probability(1e308, -1e308) == 1.0);
  CHECK(preference_probability(-1e308, 1e308) == 0.0);
  CHECK(preference_probability(-700.0, 0.0) > 0.0);
}

}  // namespace
}  // namespace endorm
