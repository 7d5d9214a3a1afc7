// The mathematics of core/ against mpmath at 50 digits: tests/golden/core_golden.py made the numbers.
#include <cmath>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/aggregate.h"
#include "core/log_sum_exp.h"
#include "core/reward.h"
#include "tests/core/golden_rows.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using nlohmann::json;

const json& golden() {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/core_golden.json")));
  return loaded;
}

test::GoldenRow row_of(const json& row, std::uint64_t further = 0) {
  return {.seed = row.at("seed").get<std::uint64_t>() + further,
          .size = row.at("size"),
          .scale = row.at("scale"),
          .offset = row.at("offset"),
          .mask_every = row.at("mask_every")};
}

double relative_error(double found, double expected) {
  if (found == expected) {
    return 0.0;
  }
  return std::abs(found - expected) / std::abs(expected);
}

// Differences of numbers as large as `magnitude`: what cancels leaves the rounding of the terms.
void check_close(double found, double expected, double magnitude) {
  CHECK(std::abs(found - expected) <= 1e-13 * magnitude);
}

TEST_CASE("log-sum-exp, entropy and divergence from uniform of whole vocabularies agree with mpmath on every kernel") {
  REQUIRE(golden().at("rows").size() >= 50);
  for (const RowKernel kernel : available_row_kernels()) {
    double worst_log_sum_exp = 0.0;
    double worst_entropy = 0.0;
    double worst_divergence = 0.0;
    for (const json& expected : golden().at("rows")) {
      const test::LogitRow row = test::make_row(row_of(expected));
      const double alpha = expected.at("alpha");
      const RowStatistics found = row_statistics_on(kernel, row.logits, alpha);
      INFO(row_kernel_name(kernel), " on ", expected.dump());
      const double log_sum_exp_error = relative_error(found.log_sum_exp, expected.at("log_sum_exp"));
      const double entropy_error = std::abs(found.entropy - expected.at("entropy").get<double>());
      CHECK(log_sum_exp_error <= 1e-12);
      CHECK(entropy_error <= 1e-12);
      // A mean of logits up to `scale`, less one of them: the rounding of these is what is left.
      const double divergence = expected.at("uniform_divergence");
      const double divergence_error = relative_error(1.0 + found.uniform_divergence, 1.0 + divergence);
      CHECK(divergence_error <= 1e-12);
      worst_divergence = std::max(worst_divergence, divergence_error);
      worst_log_sum_exp = std::max(worst_log_sum_exp, log_sum_exp_error);
      worst_entropy = std::max(worst_entropy, entropy_error);
      CHECK(relative_error(soft_value(row.logits, alpha), alpha * expected.at("log_sum_exp").get<double>()) <= 1e-12);
    }
    MESSAGE(row_kernel_name(kernel), ": worst relative error of log_sum_exp ", worst_log_sum_exp,
            ", worst absolute error of entropy ", worst_entropy, ", worst error of divergence ", worst_divergence);
  }
}

std::vector<TokenStats> statistics_of(const json& response) {
  std::vector<TokenStats> stats;
  for (std::size_t h = 0; h < response.at("tokens").get<std::size_t>(); ++h) {
    const test::LogitRow row = test::make_row(row_of(response, h));
    const RowStatistics statistics = row_statistics(row.logits, response.at("alpha"));
    stats.push_back({.logit = static_cast<double>(row.logits[row.token]),
                     .log_sum_exp = statistics.log_sum_exp,
                     .entropy = statistics.entropy});
  }
  return stats;
}

void check_aggregates(const Aggregates& found, const json& expected, double magnitude) {
  check_close(found.sum, expected.at("sum"), magnitude);
  check_close(found.mean, expected.at("mean"), magnitude);
  check_close(found.discounted, expected.at("discounted"), magnitude);
  check_close(found.chunked_mean, expected.at("chunked_mean"), magnitude);
  check_close(found.last_k, expected.at("last_k"), magnitude);
  REQUIRE(found.steps.size() == expected.at("step_means").size());
  for (std::size_t i = 0; i < found.steps.size(); ++i) {
    check_close(found.steps[i].sum, expected.at("step_sums").at(i), magnitude);
    check_close(found.steps[i].mean, expected.at("step_means").at(i), magnitude);
  }
  REQUIRE(found.step_mean.has_value() == expected.contains("step_mean"));
  REQUIRE(found.min_step.has_value() == expected.contains("min_step"));
  if (!found.step_mean) {
    return;
  }
  check_close(*found.step_mean, expected.at("step_mean"), magnitude);
  check_close(*found.min_step, expected.at("min_step"), magnitude);
}

TEST_CASE("token rewards, returns and every aggregation agree with mpmath") {
  REQUIRE(golden().at("responses").size() == 12);
  for (const json& expected : golden().at("responses")) {
    INFO("seed ", expected.at("seed").dump(), ", ", expected.at("tokens").dump(), " tokens");
    const double alpha = expected.at("alpha");
    const std::vector<TokenReward> rewards = token_rewards(statistics_of(expected), alpha);
    constexpr double kLargestLogit = 16.0;
    for (std::size_t h = 0; h < rewards.size(); ++h) {
      CHECK(rewards[h].q == expected.at("q").at(h).get<double>());
      check_close(rewards[h].value, expected.at("value").at(h), kLargestLogit);
      check_close(rewards[h].log_prob, expected.at("log_prob").at(h), kLargestLogit / alpha);
      check_close(rewards[h].reward, expected.at("reward").at(h), kLargestLogit);
      REQUIRE(rewards[h].entropy.has_value());
      check_close(*rewards[h].entropy, expected.at("entropy").at(h), 1.0);
    }
    const double magnitude = kLargestLogit * static_cast<double>(rewards.size());
    check_close(std::accumulate(rewards.begin(), rewards.end(), 0.0,
                                [](double sum, const TokenReward& token) { return sum + token.reward; }),
                expected.at("return"), magnitude);

    std::vector<TokenRange> steps;
    for (const json& step : expected.at("steps")) {
      steps.push_back({step.at(0), step.at(1)});
    }
    const AggregateOptions options{.gamma = expected.at("gamma"),
                                   .floor = expected.at("floor"),
                                   .chunk = expected.at("chunk"),
                                   .last_k = expected.at("last_k"),
                                   .initial_value = expected.at("initial_value")};
    check_aggregates(aggregate(log_probs_of(rewards), steps, alpha, options, initial_value_of(rewards)),
                     expected.at("aggregates"), magnitude);
  }
}

TEST_CASE("Bradley-Terry probabilities agree with mpmath, small ones with all their digits") {
  REQUIRE(golden().at("preferences").size() == 10);
  for (const json& expected : golden().at("preferences")) {
    INFO(expected.dump());
    const double found = preference_probability(expected.at("first"), expected.at("second"));
    CHECK(relative_error(found, expected.at("probability")) <= 1e-15);
  }
}

}  // namespace
}  // namespace endorm
