// What holds where a bootstrap does not: tests and intervals of few units, and the correction of several tests.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/errors.h"
#include "eval/statistics.h"

namespace endorm {
namespace {

// The values that a sum may have, ascending, each with its probability.
using Distribution = std::vector<std::pair<double, double>>;

// The sum and one unit more. Sums that differ by rounding alone are one.
Distribution with_unit(const Distribution& sums, const TwoValues& unit, double tolerance) {
  Distribution joined;
  joined.reserve(2 * sums.size());
  for (const auto& [value, chance] :
       {std::pair{unit.first, unit.probability}, std::pair{unit.second, 1.0 - unit.probability}}) {
    for (const auto& [sum, probability] : sums) {
      joined.emplace_back(sum + value, probability * chance);
    }
  }
  std::inplace_merge(joined.begin(), joined.begin() + static_cast<std::ptrdiff_t>(sums.size()), joined.end());
  Distribution distinct;
  for (const auto& [sum, probability] : joined) {
    if (distinct.empty() || sum - distinct.back().first > tolerance) {
      distinct.emplace_back(sum, probability);
    } else {
      distinct.back().second += probability;
    }
  }
  return distinct;
}

// z > 0 such that a standard normal number is within z of 0 with probability `level`.
double normal_bound(double level) {
  double low = 0.0;
  double high = 40.0;  // beyond it the probability is 0 in double
  while (true) {
    const double middle = low + (high - low) / 2.0;
    if (middle <= low || middle >= high) {
      return middle;
    }
    (std::erf(middle / std::sqrt(2.0)) < level ? low : high) = middle;
  }
}

}  // namespace

double mcnemar_p_value(std::size_t first_only, std::size_t second_only) {
  // P(X <= k) for X ~ Binomial(n, 1/2): terms C(n, i) / 2^n from the largest, i = k, downwards.
  const std::size_t n = first_only + second_only;
  const std::size_t k = std::min(first_only, second_only);
  if (n == 0) {
    return 1.0;
  }
  const auto trials = static_cast<double>(n);
  const auto least = static_cast<double>(k);
  double term = std::exp(std::lgamma(trials + 1.0) - std::lgamma(least + 1.0) - std::lgamma(trials - least + 1.0) -
                         trials * std::log(2.0));
  double tail = 0.0;
  for (std::size_t i = k;; --i) {
    tail += term;
    if (i == 0 || term == 0.0) {
      break;
    }
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);  // C(n, i - 1) = C(n, i) i / (n - i + 1)
  }
  return std::min(1.0, 2.0 * tail);
}

std::optional<double> exact_p_value(std::span<const TwoValues> units, double observed) {
  constexpr std::size_t kMostSums = 1'000'000;
  double expected = 0.0;
  double scale = 0.0;
  for (const TwoValues& unit : units) {
    expected += unit.probability * unit.first + (1.0 - unit.probability) * unit.second;
    scale += std::max(std::abs(unit.first), std::abs(unit.second));
  }
  const double tolerance = 1e-12 * scale;
  Distribution sums = {{0.0, 1.0}};
  for (const TwoValues& unit : units) {
    sums = with_unit(sums, unit, tolerance);
    if (sums.size() > kMostSums) {
      return std::nullopt;
    }
  }
  const double distance = std::abs(observed - expected) - static_cast<double>(units.size() + 1) * tolerance;
  double p_value = 0.0;
  for (const auto& [sum, probability] : sums) {
    p_value += std::abs(sum - expected) >= distance ? probability : 0.0;
  }
  return std::min(1.0, p_value);
}

// Centre (p + z^2/2n) / (1 + z^2/n), half-width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n).
Interval wilson_interval(double successes, double trials, double level) {
  if (!(level > 0.0 && level < 1.0) || !(trials > 0.0) || !(successes >= 0.0 && successes <= trials)) {
    throw InvalidInput("[wilson_interval] " + std::to_string(successes) + " of " + std::to_string(trials) +
                       " at level " + std::to_string(level) +
                       " is asked for. Give at least one trial, no more successes, and a level between 0 and 1.");
  }
  const double z = normal_bound(level);
  const double share = successes / trials;
  const double scale = 1.0 + z * z / trials;
  const double centre = (share + z * z / (2.0 * trials)) / scale;
  const double half = z * std::sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials)) / scale;
  // At the ends the interval reaches 0 and 1 exactly; rounding would leave it a last digit beside them.
  return {.low = successes == 0.0 ? 0.0 : centre - half, .high = successes == trials ? 1.0 : centre + half};
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> corrected(p_values.size());
  double least = 0.0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    least = std::max(least, std::min(1.0, static_cast<double>(order.size() - i) * p_values[order[i]]));
    corrected[order[i]] = least;
  }
  return corrected;
}

}  // namespace endorm
