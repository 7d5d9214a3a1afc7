#include "eval/statistics.h"

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"

namespace endorm {
namespace {

const SumStatistics kRatio = [](std::span<const double> sums, std::span<double> values) {
  values[0] = sums[0] / sums[1];
};

TEST_CASE("the interval of a mean is that of the normal theory") {
  constexpr std::uint64_t kSeed = 71;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  std::vector<BootstrapUnit> units;
  double sum = 0.0;
  double squares = 0.0;
  constexpr double kCount = 400.0;
  for (int i = 0; i < 400; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
    units.push_back({.stratum = 0, .amounts = {{0, value}, {1, 1.0}}});
  }
  const double mean = sum / kCount;
  const double error = std::sqrt((squares / kCount - mean * mean) / kCount);
  const auto values = bootstrap(units, 2, 1, kRatio, {.resamples = 4000, .level = 0.95, .seed = 9});
  const Interval interval = percentile_interval(values[0]).value();
  // The 2.5 % quantile of 4,000 draws has a standard error of 0.04 of the mean's: four of these.
  CHECK(std::abs(interval.low - (mean - 1.96 * error)) <= 0.17 * error);
  CHECK(std::abs(interval.high - (mean + 1.96 * error)) <= 0.17 * error);
}

TEST_CASE("the same seed gives the same values, another seed others") {
  std::vector<BootstrapUnit> units;
  for (int i = 0; i < 20; ++i) {
    units.push_back({.stratum = 0, .amounts = {{0, double(i)}, {1, 1.0}}});
  }
  const auto values = [&](std::uint64_t seed) {
    return bootstrap(units, 2, 1, kRatio, {.resamples = 50, .level = 0.95, .seed = seed})[0];
  };
  CHECK(values(3) == values(3));
  CHECK(values(3) != values(4));
}

TEST_CASE("each stratum keeps its number of units") {
  std::vector<BootstrapUnit> units;
  for (std::size_t i = 0; i < 30; ++i) {
    units.push_back({.stratum = i % 3, .amounts = {{i % 3, 1.0}}});
  }
  const SumStatistics counts = [](std::span<const double> sums, std::span<double> values) {
    for (std::size_t s = 0; s < 3; ++s) {
      values[s] = sums[s];
    }
  };
  for (const std::vector<double>& values :
       bootstrap(units, 3, 3, counts, {.resamples = 20, .level = 0.95, .seed = 0})) {
    CHECK(values == std::vector<double>(20, 10.0));
  }
}

TEST_CASE("resamples without a value are left out, and nothing is made of nothing") {
  std::vector<BootstrapUnit> units(8);
  units[0].amounts = {{0, 1.0}, {1, 1.0}};  // the only one that counts: many resamples lack it
  const auto values = bootstrap(units, 2, 1, kRatio, {.resamples = 200, .level = 0.95, .seed = 5});
  CHECK(values[0].size() > 50);
  CHECK(values[0].size() < 200);
  for (const double value : values[0]) {
    CHECK(value == 1.0);
  }
  CHECK(bootstrap({}, 2, 1, kRatio, {})[0].empty());
  CHECK(bootstrap(units, 2, 1, kRatio, {.resamples = 0, .level = 0.95, .seed = 5})[0].empty());
  CHECK_FALSE(percentile_interval({}).has_value());
  CHECK_FALSE(bootstrap_p_value({}).has_value());
  CHECK_THROWS_AS(bootstrap(units, 1, 1, kRatio, {}), InvalidInput);
}

TEST_CASE("levels outside (0, 1) are refused") {
  const std::vector<double> values{1.0, 2.0};
  for (const double level : {0.0, 1.0, -0.5, 2.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(percentile_interval(values, level), InvalidInput);
  }
}

TEST_CASE("p-values of a bootstrap: one-sided values give the least, values at 0 count on both sides") {
  CHECK(bootstrap_p_value(std::vector<double>{1.0, 2.0, 3.0}).value() == doctest::Approx(2.0 * 1.0 / 4.0));
  CHECK(bootstrap_p_value(std::vector<double>{-2.0, -1.0, -1.0}).value() == doctest::Approx(0.5));
  CHECK(bootstrap_p_value(std::vector<double>{0.0, 0.0, 0.0}).value() == 1.0);
  CHECK(bootstrap_p_value(std::vector<double>(999, 1.0)).value() == doctest::Approx(0.002));
}

TEST_CASE("correlations: exact lines, what does not vary, what is refused") {
  const std::vector<double> x{1.0, 2.0, 4.0};
  CHECK(pearson(x, std::vector<double>{3.0, 5.0, 9.0}).value() == doctest::Approx(1.0));
  CHECK(pearson(x, std::vector<double>{-1.0, -2.0, -4.0}).value() == doctest::Approx(-1.0));
  CHECK(spearman(x, std::vector<double>{1.0, 10.0, 11.0}).value() == doctest::Approx(1.0));
  CHECK(pearson(std::vector<double>{1e200, -1e200, 0.0}, x).has_value());
  CHECK_FALSE(pearson(x, std::vector<double>{0.1, 0.1, 0.1}).has_value());
  CHECK_FALSE(spearman(std::vector<double>{1.0}, std::vector<double>{1.0}).has_value());
  CHECK_FALSE(pearson({}, {}).has_value());
  CHECK_THROWS_AS(pearson(x, std::vector<double>{1.0}), InvalidInput);
  CHECK_THROWS_AS(spearman(x, std::vector<double>{1.0, std::numeric_limits<double>::quiet_NaN(), 2.0}), InvalidInput);
  CHECK_THROWS_AS(pearson(x, std::vector<double>{1.0, std::numeric_limits<double>::infinity(), 2.0}), InvalidInput);
}

TEST_CASE("calibration: ties are left out, odd margins refused, nothing gives no error") {
  const Calibration empty = calibrate({});
  CHECK(empty.bins.size() == 10);
  CHECK_FALSE(empty.expected_error.has_value());
  const Calibration tied = calibrate(std::vector<double>{0.0, 0.0, std::log(3.0), -std::log(3.0)}, 4);
  CHECK(tied.ties == 2);
  CHECK(tied.n == 2);
  // sigmoid(log 3) = 0.75; one of two is right: |0.5 - 0.75|.
  CHECK(tied.expected_error.value() == doctest::Approx(0.25));
  CHECK_THROWS_AS(calibrate({}, 0), InvalidInput);
  CHECK_THROWS_AS(calibrate(std::vector<double>{std::numeric_limits<double>::infinity()}), InvalidInput);
}

TEST_CASE("more resamples than anybody can wait for are refused") {
  BootstrapOptions options;
  options.resamples = static_cast<std::size_t>(-1);
  CHECK_THROWS_AS(bootstrap(
                      {}, 1, 1, [](std::span<const double>, std::span<double>) {}, options),
                  InvalidInput);
}

TEST_CASE("an interval of no trials, of more successes than trials or of no level is refused") {
  CHECK_THROWS_AS(wilson_interval(0, 0), InvalidInput);
  CHECK_THROWS_AS(wilson_interval(2, 1), InvalidInput);
  CHECK_THROWS_AS(wilson_interval(-0.5, 1), InvalidInput);
  CHECK_THROWS_AS(wilson_interval(std::nan(""), 1), InvalidInput);
  CHECK_THROWS_AS(wilson_interval(1, 1, 1.0), InvalidInput);
}

TEST_CASE("an exact test takes any number of alike units, and refuses more sums than it can hold") {
  std::vector<TwoValues> alike(400, {1.0 / 400, -1.0 / 400, 0.5});
  CHECK(std::abs(exact_p_value(alike, 60.0 / 400).value() - mcnemar_p_value(230, 170)) <= 1e-9);
  CHECK(exact_p_value({}, 0.0) == 1.0);
  std::vector<TwoValues> unlike;
  for (int i = 0; i < 24; ++i) {
    unlike.push_back({std::ldexp(1.0, i), -std::ldexp(1.0, i), 0.5});
  }
  CHECK_FALSE(exact_p_value(unlike, 0.0));
}

}  // namespace
}  // namespace endorm
