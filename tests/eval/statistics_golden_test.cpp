// Statistics against scipy, statsmodels and numpy: tests/golden/eval_statistics.py made the numbers and gives the
// reasons for the tolerances.
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "eval/statistics.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using nlohmann::json;

const json& golden() {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/eval_statistics.json")));
  return loaded;
}

void check_close(double found, double expected, double relative = 1e-12) {
  CHECK(std::abs(found - expected) <= relative * std::max(1e-300, std::abs(expected)));
}

std::vector<double> values_of(const json& list) { return list.get<std::vector<double>>(); }

TEST_CASE("correlations and ranks agree with scipy") {
  REQUIRE(golden().at("correlations").size() == 6);
  for (const json& expected : golden().at("correlations")) {
    const std::vector<double> x = values_of(expected.at("x"));
    const std::vector<double> y = values_of(expected.at("y"));
    INFO("n ", x.size());
    const std::optional<double> r = pearson(x, y);
    const std::optional<double> rho = spearman(x, y);
    REQUIRE(r);
    REQUIRE(rho);
    const std::optional<double> tau = kendall_tau(x, y);
    REQUIRE(tau);
    CHECK(std::abs(*r - expected.at("pearson").get<double>()) <= 1e-12);
    CHECK(std::abs(*rho - expected.at("spearman").get<double>()) <= 1e-12);
    CHECK(std::abs(*tau - expected.at("kendall").get<double>()) <= 1e-12);
    CHECK(mid_ranks(x) == values_of(expected.at("ranks_x")));
  }
}

TEST_CASE("the exact McNemar test agrees with scipy's binomial test") {
  REQUIRE(golden().at("mcnemar").size() == 11);
  for (const json& expected : golden().at("mcnemar")) {
    INFO(expected.dump());
    check_close(mcnemar_p_value(expected.at("first_only"), expected.at("second_only")), expected.at("p"), 1e-9);
  }
}

TEST_CASE("percentile intervals are numpy's quantiles") {
  REQUIRE(golden().at("intervals").size() == 12);
  for (const json& expected : golden().at("intervals")) {
    const std::vector<double> values = values_of(expected.at("values"));
    const std::optional<Interval> interval = percentile_interval(values, expected.at("level"));
    INFO("n ", values.size(), " level ", expected.at("level").get<double>());
    REQUIRE(interval);
    CHECK(std::abs(interval->low - expected.at("low").get<double>()) <= 1e-12);
    CHECK(std::abs(interval->high - expected.at("high").get<double>()) <= 1e-12);
  }
}

TEST_CASE("a bootstrap of two strata gives the values of the same draws in numpy") {
  const json& expected = golden().at("bootstrap");
  std::vector<BootstrapUnit> units;
  for (const json& unit : expected.at("units")) {
    const std::size_t stratum = unit.at("stratum");
    const std::size_t base = stratum == 2 ? 0 : 2;
    units.push_back({.stratum = stratum, .amounts = {{base, unit.at("right")}, {base + 1, unit.at("counted")}}});
  }
  const SumStatistics statistics = [](std::span<const double> sums, std::span<double> values) {
    values[0] = (sums[0] + sums[2]) / (sums[1] + sums[3]);
    values[1] = (sums[0] / sums[1] + sums[2] / sums[3]) / 2.0;
  };
  const BootstrapOptions options{
      .resamples = expected.at("resamples"), .level = 0.95, .seed = expected.at("seed").get<std::uint64_t>()};
  const std::vector<std::vector<double>> found = bootstrap(units, 4, 2, statistics, options);
  REQUIRE(found.size() == 2);
  for (const auto& [index, name] : {std::pair{0, "pooled"}, std::pair{1, "macro"}}) {
    const std::vector<double> values = values_of(expected.at(name));
    REQUIRE(found[index].size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      check_close(found[index][i], values[i]);
    }
  }
  const std::optional<Interval> interval = percentile_interval(found[0]);
  REQUIRE(interval);
  check_close(interval->low, expected.at("interval").at(0));
  check_close(interval->high, expected.at("interval").at(1));
  std::vector<double> shifted = found[0];
  for (double& value : shifted) {
    value -= 0.5;
  }
  check_close(bootstrap_p_value(shifted).value(), expected.at("p_of_half"));
}

TEST_CASE("calibration agrees with numpy, at margins whose sigmoid is 1 to the last bit, too") {
  const json& expected = golden().at("calibration");
  const Calibration found = calibrate(values_of(expected.at("margins")));
  CHECK(found.n == expected.at("n"));
  CHECK(found.ties == expected.at("ties"));
  check_close(found.expected_error.value(), expected.at("expected_error"));
  REQUIRE(found.bins.size() == expected.at("bins").size());
  for (std::size_t b = 0; b < found.bins.size(); ++b) {
    const json& bin = expected.at("bins").at(b);
    INFO("bin ", b);
    CHECK(found.bins[b].n == bin.at("n"));
    check_close(found.bins[b].confidence, bin.at("confidence"));
    check_close(found.bins[b].accuracy, bin.at("accuracy"));
  }
}

TEST_CASE("Wilson's intervals agree with statsmodels, of parts of a trial, too") {
  REQUIRE(golden().at("wilson").size() == 36);
  for (const json& expected : golden().at("wilson")) {
    INFO(expected.dump());
    const Interval found = wilson_interval(expected.at("successes"), expected.at("trials"), expected.at("level"));
    CHECK(std::abs(found.low - expected.at("low").get<double>()) <= 1e-12);
    CHECK(std::abs(found.high - expected.at("high").get<double>()) <= 1e-12);
  }
}

TEST_CASE("Holm's correction agrees with statsmodels") {
  REQUIRE(golden().at("holm").size() == 6);
  for (const json& expected : golden().at("holm")) {
    INFO(expected.dump());
    const std::vector<double> found = holm(values_of(expected.at("p")));
    const std::vector<double> corrected = values_of(expected.at("corrected"));
    REQUIRE(found.size() == corrected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      check_close(found[i], corrected[i]);
    }
  }
}

TEST_CASE("the exact test of paired differences is McNemar's by statsmodels, and scipy's of all exchanges") {
  REQUIRE(golden().at("exchange").size() == 9);
  for (const json& expected : golden().at("exchange")) {
    INFO(expected.dump());
    std::vector<TwoValues> units;
    double sum = 0.0;
    std::size_t first_only = 0;
    std::size_t second_only = 0;
    for (const double difference : values_of(expected.at("differences"))) {
      units.push_back({difference, -difference, 0.5});
      sum += difference;
      first_only += difference > 0.0 ? 1 : 0;
      second_only += difference < 0.0 ? 1 : 0;
    }
    CHECK(std::abs(exact_p_value(units, sum).value() - expected.at("p").get<double>()) <= 1e-12);
    if (expected.at("mcnemar")) {
      CHECK(std::abs(mcnemar_p_value(first_only, second_only) - expected.at("p").get<double>()) <= 1e-12);
    }
  }
}

TEST_CASE("choices against chance agree with the sum over all outcomes") {
  REQUIRE(golden().at("chance").size() == 4);
  for (const json& expected : golden().at("chance")) {
    INFO(expected.dump());
    std::vector<TwoValues> units;
    double observed = expected.at("right");
    for (const double chance : values_of(expected.at("chance"))) {
      units.push_back({1.0 - chance, -chance, chance});
      observed -= chance;
    }
    CHECK(std::abs(exact_p_value(units, observed).value() - expected.at("p").get<double>()) <= 1e-12);
  }
}

}  // namespace
}  // namespace endorm
