#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace endorm {

struct Interval {
  double low = 0.0;
  double high = 0.0;
};

struct BootstrapOptions {
  std::size_t resamples = 2000;  // 0: no intervals; at most a million
  double level = 0.95;           // between 0 and 1
  std::uint64_t seed = 0;
};

// What is drawn as a whole: it adds amounts to some of the columns of a vector of sums.
struct BootstrapUnit {
  struct Amount {
    std::size_t column = 0;
    double amount = 0.0;
  };
  std::size_t stratum = 0;  // a resample draws as many units of each stratum as there are
  std::vector<Amount> amounts;
};

// Statistics of a vector of sums [columns] -> values [V]; NaN where a value is not defined for these sums.
using SumStatistics = std::function<void(std::span<const double> sums, std::span<double> values)>;

// Values of `statistics` on resamples of the units drawn with replacement within each stratum: [V] of at most
// `resamples` values, in ascending order, without the resamples where that value was not defined. Throws InvalidInput
// on a column that is not below `columns`, and on more than a million resamples.
std::vector<std::vector<double>> bootstrap(std::span<const BootstrapUnit> units, std::size_t columns,
                                           std::size_t values, const SumStatistics& statistics,
                                           const BootstrapOptions& options);

// The percentile interval of values in ascending order, by linear interpolation between order statistics (numpy's
// default). None where there are no values. Throws InvalidInput on a level outside (0, 1).
std::optional<Interval> percentile_interval(std::span<const double> sorted, double level = 0.95);

// Two-sided p-value of "the value is 0" by a bootstrap of the value, in ascending order: 2 min(share <= 0, share >= 0),
// each share with one added to count and number (Davison and Hinkley 1997, eq. 4.11), at most 1. None without values.
std::optional<double> bootstrap_p_value(std::span<const double> sorted);

// Exact McNemar test: of the verdicts on which two judges differ, is one of them right more often than a fair coin?
// Two-sided binomial p-value, 1 where they never differ.
double mcnemar_p_value(std::size_t first_only, std::size_t second_only);

// What one unit adds to a sum: one of two values, the first with this probability.
struct TwoValues {
  double first = 0.0;
  double second = 0.0;
  double probability = 0.5;
};

// Two-sided exact p-value of a sum whose units take their values independently: the probability that it is at least as
// far from its expectation as `observed`. With a unit's difference and its negative, each with probability 1/2: the
// test of paired differences by exchanging the pairs (Fisher 1935), which is McNemar's where they are 1, 0 and -1. None
// where the sum has more than a million values.
std::optional<double> exact_p_value(std::span<const TwoValues> units, double observed);

// Wilson's score interval (1927) of a share of 0 to 1: neither has to be whole. Throws InvalidInput on a level outside
// (0, 1), no trials, and successes that are not between 0 and trials.
Interval wilson_interval(double successes, double trials, double level = 0.95);

// p-values [N] of one family, corrected after Holm (1979): the chance of any false rejection stays that of one test.
std::vector<double> holm(std::span<const double> p_values);

// Correlations of x [N] and y [N]; none where N < 2 or one of them does not vary. Throw InvalidInput where the sizes
// differ or a value is not finite. Spearman: Pearson of the ranks, equal values share their mean rank.
std::optional<double> pearson(std::span<const double> x, std::span<const double> y);
std::optional<double> spearman(std::span<const double> x, std::span<const double> y);

// Kendall's tau-b of x [N] and y [N] (Kendall 1945): of the pairs of places, those in the same order less those in the
// opposite one, over the geometric mean of the pairs that x and that y puts in an order. By comparing every two: for
// the responses of a prompt. None and throws as above.
std::optional<double> kendall_tau(std::span<const double> x, std::span<const double> y);

// Ranks from 1; equal values share the mean of theirs. [N] -> [N]
std::vector<double> mid_ranks(std::span<const double> values);

// One bin of the confidence with which a judge prefers: sigmoid(|margin|), from 0.5 to 1.
struct CalibrationBin {
  double low = 0.0;
  double high = 0.0;  // not in it, but in the last bin
  std::size_t n = 0;
  double confidence = 0.0;  // mean of its verdicts; 0 where n is 0
  double accuracy = 0.0;    // share of them that are right; 0 where n is 0
};

struct Calibration {
  std::vector<CalibrationBin> bins;
  std::optional<double> expected_error;  // sum over bins of n_b / n * |accuracy_b - confidence_b|; none where n is 0
  std::size_t n = 0;
  std::size_t ties = 0;  // margin 0: no preference to be right about; left out
};

// margins [N]: reward of the better response less that of the worse one, so that a verdict is right where it is above
// 0. Bins are of equal width. Throws InvalidInput on no bins or a margin that is not finite.
Calibration calibrate(std::span<const double> margins, std::size_t bins = 10);

}  // namespace endorm
