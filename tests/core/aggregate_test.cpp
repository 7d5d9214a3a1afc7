#include "core/aggregate.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"

namespace endorm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> random_log_probs(RandomStream& random) {
  std::vector<double> log_probs(1 + random.below(200));
  for (double& log_prob : log_probs) {
    log_prob = -10.0 * random.uniform();
  }
  return log_probs;
}

TEST_CASE("five tokens by hand") {
  const std::vector<double> log_probs{-1.0, -2.0, -4.0, -8.0, -16.0};
  const std::vector<TokenRange> steps{{0, 1}, {1, 3}, {3, 5}};
  const AggregateOptions options{.gamma = 0.5, .floor = 0.25, .chunk = 2, .last_k = 3};
  const Aggregates found = aggregate(log_probs, steps, 2.0, options);
  CHECK(found.sum == -62.0);
  CHECK(found.mean == -12.4);
  CHECK(found.discounted == -18.0);  // weights 1, 1/2, 1/4, then the floor: 2 * (1 + 1 + 1 + 2 + 4)
  CHECK(std::abs(found.chunked_mean - -2.0 * (1.5 + 6.0 + 16.0) / 3.0) <= 1e-14);
  CHECK(std::abs(found.last_k - -2.0 * 28.0 / 3.0) <= 1e-14);
  REQUIRE(found.steps.size() == 3);
  CHECK(found.steps[1].tokens.begin == 1);
  CHECK(found.steps[1].tokens.end == 3);
  CHECK(found.steps[1].sum == -12.0);
  CHECK(found.steps[1].mean == -6.0);
  CHECK(std::abs(*found.step_mean - -2.0 * (1.0 + 3.0 + 12.0) / 3.0) <= 1e-14);
  CHECK(*found.min_step == -24.0);
}

TEST_CASE("the power of the length leads from the sum to the mean") {
  RandomStream random(7);
  for (int round = 0; round < 200; ++round) {
    const std::vector<double> tokens = random_log_probs(random);
    const auto mean_at = [&](double power) { return aggregate(tokens, {}, 1.0, {.length_power = power}).mean; };
    const Aggregates plain = aggregate(tokens, {}, 1.0, {});
    CHECK(mean_at(0.0) == plain.sum);
    CHECK(mean_at(1.0) == plain.mean);
    CHECK(plain.mean == plain.sum / static_cast<double>(tokens.size()));
    CHECK(std::abs(mean_at(0.5) * std::sqrt(static_cast<double>(tokens.size())) / plain.sum - 1.0) <= 1e-14);
  }
  CHECK_THROWS_WITH_AS(aggregate(std::vector{-1.0}, {}, 1.0, {.length_power = 1.5}), doctest::Contains("length_power"),
                       InvalidInput);
}

TEST_CASE("V(s_1) joins sum, discounted and, divided by T, mean: never a part of the response") {
  const std::vector<double> log_probs{-1.0, -2.0, -4.0, -8.0};
  const std::vector<TokenRange> steps{{0, 2}, {2, 4}};
  const Aggregates without = aggregate(log_probs, steps, 0.5, {}, 100.0);
  const Aggregates with = aggregate(log_probs, steps, 0.5, {.initial_value = true}, 100.0);
  CHECK(with.sum == without.sum + 100.0);
  CHECK(with.discounted == without.discounted + 100.0);
  CHECK(with.mean == without.mean + 25.0);
  CHECK(with.chunked_mean == without.chunked_mean);
  CHECK(with.last_k == without.last_k);
  CHECK(with.step_mean == without.step_mean);
  CHECK(with.min_step == without.min_step);
  CHECK(with.steps[0].sum == without.steps[0].sum);
}

TEST_CASE("aggregations meet where their definitions do") {
  constexpr std::uint64_t kSeed = 21;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 100; ++round) {
    const std::vector<double> log_probs = random_log_probs(random);
    const std::size_t count = log_probs.size();
    const double alpha = 0.2 + 3.0 * random.uniform();
    const bool initial_value = random.below(2) == 1;
    const double value = 20.0 * random.normal();
    INFO("round ", round, ", T ", count, ", alpha ", alpha);
    const std::vector<TokenRange> whole{{0, count}};
    const Aggregates found = aggregate(
        log_probs, whole, alpha,
        {.gamma = 1.0, .chunk = count + random.below(3), .last_k = count, .initial_value = initial_value}, value);
    const double tolerance = 1e-12 * static_cast<double>(count);
    CHECK(std::abs(found.discounted - found.sum) <= tolerance);
    const double initial = initial_value ? value : 0.0;
    const double mean = (found.sum - initial) / static_cast<double>(count);
    CHECK(std::abs(found.mean - mean - initial / static_cast<double>(count)) <= tolerance);
    CHECK(std::abs(found.chunked_mean - mean) <= tolerance);
    CHECK(std::abs(found.last_k - mean) <= tolerance);
    CHECK(std::abs(*found.step_mean - mean) <= tolerance);
    CHECK(*found.min_step == found.steps.front().mean);

    const AggregateOptions floor_of_one{.gamma = 0.3, .floor = 1.0, .initial_value = initial_value};
    CHECK(std::abs(aggregate(log_probs, {}, alpha, floor_of_one, value).discounted - found.sum) <= tolerance);
    const AggregateOptions first_token{.gamma = 0.0};
    CHECK(aggregate(log_probs, {}, alpha, first_token).discounted == alpha * log_probs.front());
    const Aggregates singles = aggregate(log_probs, {}, alpha, {.chunk = 1, .last_k = 1});
    CHECK(std::abs(singles.chunked_mean - mean) <= tolerance);
    CHECK(singles.last_k == alpha * log_probs.back());
    CHECK(!singles.step_mean.has_value());
    CHECK(!singles.min_step.has_value());
  }
}

TEST_CASE("every aggregation but V(s_1)'s part is proportional to alpha") {
  constexpr std::uint64_t kSeed = 22;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const std::vector<double> log_probs = random_log_probs(random);
  const std::vector<TokenRange> steps{{0, log_probs.size()}};
  const Aggregates once = aggregate(log_probs, steps, 0.75, {});
  const Aggregates twice = aggregate(log_probs, steps, 1.5, {});
  for (const Aggregation kind :
       {Aggregation::kDiscounted, Aggregation::kSum, Aggregation::kMean, Aggregation::kChunkedMean,
        Aggregation::kStepMean, Aggregation::kMinStep, Aggregation::kLastK}) {
    INFO(aggregation_name(kind));
    CHECK(chosen_reward(once, kind) < 0.0);
    CHECK(chosen_reward(twice, kind) == 2.0 * chosen_reward(once, kind));
  }
}

TEST_CASE("the chosen reward is the aggregation of that name") {
  const Aggregates aggregates{.sum = 1.0,
                              .mean = 2.0,
                              .discounted = 3.0,
                              .chunked_mean = 4.0,
                              .last_k = 5.0,
                              .steps = {},
                              .step_mean = 6.0,
                              .min_step = 7.0};
  CHECK(chosen_reward(aggregates, aggregation_from_name("sum")) == 1.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("mean")) == 2.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("discounted")) == 3.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("chunked_mean")) == 4.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("last_k")) == 5.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("step_mean")) == 6.0);
  CHECK(chosen_reward(aggregates, aggregation_from_name("min_step")) == 7.0);
  CHECK(aggregation_name(Aggregation::kChunkedMean) == "chunked_mean");
  CHECK_THROWS_WITH_AS(aggregation_from_name("median"), doctest::Contains("discounted, sum, mean"), InvalidInput);
  CHECK_THROWS_AS(aggregation_from_name(""), InvalidInput);
  CHECK_THROWS_WITH_AS(chosen_reward({}, Aggregation::kMinStep), doctest::Contains("min_step"), InvalidInput);
  CHECK_THROWS_AS(chosen_reward({}, Aggregation::kStepMean), InvalidInput);
}

TEST_CASE("steps that do not cover the response in order are refused") {
  const auto log_probs = std::vector<double>{-1.0, -2.0, -3.0};
  const std::vector<std::vector<TokenRange>> refused{
      {{0, 2}},                  // the end is missing
      {{1, 3}},                  // the beginning is missing
      {{0, 1}, {2, 3}},          // a gap
      {{0, 2}, {1, 3}},          // an overlap
      {{0, 0}, {0, 3}},          // an empty step
      {{1, 3}, {0, 1}},          // out of order
      {{0, 4}},                  // beyond the end
      {{0, 3}, {3, 3}},          // an empty last step
      {{0, 2}, {2, 1}, {1, 3}},  // backwards
  };
  for (const auto& steps : refused) {
    CHECK_THROWS_AS(aggregate(log_probs, steps, 1.0, {}), InvalidInput);
  }
  CHECK_NOTHROW(aggregate(log_probs, std::vector<TokenRange>{{0, 1}, {1, 3}}, 1.0, {}));
}

TEST_CASE("options and responses without a meaning are refused") {
  const auto log_probs = std::vector<double>{-1.0};
  CHECK_THROWS_AS(aggregate({}, {}, 1.0, {}), InvalidInput);
  for (const double alpha : {0.0, -1.0, kNan}) {
    CHECK_THROWS_AS(aggregate(log_probs, {}, alpha, {}), InvalidInput);
  }
  for (const double outside : {-0.1, 1.1, kNan}) {
    CHECK_THROWS_WITH_AS(aggregate(log_probs, {}, 1.0, {.gamma = outside}), doctest::Contains("gamma"), InvalidInput);
    CHECK_THROWS_WITH_AS(aggregate(log_probs, {}, 1.0, {.floor = outside}), doctest::Contains("floor"), InvalidInput);
  }
  CHECK_THROWS_WITH_AS(aggregate(log_probs, {}, 1.0, {.chunk = 0}), doctest::Contains("chunk"), InvalidInput);
  CHECK_THROWS_WITH_AS(aggregate(log_probs, {}, 1.0, {.last_k = 0}), doctest::Contains("last_k"), InvalidInput);
  CHECK_THROWS_WITH_AS(aggregate(log_probs, {}, 1.0, {.initial_value = true}), doctest::Contains("V(s_1)"),
                       InvalidInput);
}

}  // namespace
}  // namespace endorm
