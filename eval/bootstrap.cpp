#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/random.h"
#include "eval/statistics.h"

namespace endorm {
namespace {

// Indices of the units of each stratum, by ascending stratum.
std::vector<std::vector<std::size_t>> strata_of(std::span<const BootstrapUnit> units) {
  std::vector<std::size_t> order(units.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return units[a].stratum < units[b].stratum; });
  std::vector<std::vector<std::size_t>> strata;
  for (const std::size_t unit : order) {
    if (strata.empty() || units[strata.back().front()].stratum != units[unit].stratum) {
      strata.emplace_back();
    }
    strata.back().push_back(unit);
  }
  return strata;
}

// More of them would run for days and move no digit that is shown.
void check_resamples(std::size_t resamples) {
  constexpr std::size_t kMost = 1'000'000;
  if (resamples > kMost) {
    throw InvalidInput("[bootstrap] " + std::to_string(resamples) + " resamples are asked for. Give at most " +
                       std::to_string(kMost) + ".");
  }
}

void check_columns(std::span<const BootstrapUnit> units, std::size_t columns) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (const BootstrapUnit::Amount& amount : units[i].amounts) {
      if (amount.column >= columns) {
        throw InvalidInput("[bootstrap] unit " + std::to_string(i) + " adds to column " +
                           std::to_string(amount.column) + " of " + std::to_string(columns) +
                           ". Give as many columns as amounts name.");
      }
    }
  }
}

// Quantile q of n >= 1 ordered values: the line between the order statistics around (n - 1) q.
double quantile(std::span<const double> sorted, double q) {
  const double place = static_cast<double>(sorted.size() - 1) * q;
  const double below = std::floor(place);
  const auto index = static_cast<std::size_t>(below);
  if (index + 1 >= sorted.size()) {
    return sorted.back();
  }
  return sorted[index] + (place - below) * (sorted[index + 1] - sorted[index]);
}

}  // namespace

std::vector<std::vector<double>> bootstrap(std::span<const BootstrapUnit> units, std::size_t columns,
                                           std::size_t values, const SumStatistics& statistics,
                                           const BootstrapOptions& options) {
  check_resamples(options.resamples);
  check_columns(units, columns);
  std::vector<std::vector<double>> resampled(values);
  if (units.empty()) {
    return resampled;
  }
  const std::vector<std::vector<std::size_t>> strata = strata_of(units);
  RandomStream random(options.seed);
  std::vector<double> sums(columns);
  std::vector<double> drawn(values);
  for (std::size_t resample = 0; resample < options.resamples; ++resample) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (const std::vector<std::size_t>& stratum : strata) {
      for (std::size_t i = 0; i < stratum.size(); ++i) {
        for (const BootstrapUnit::Amount& amount : units[stratum[random.below(stratum.size())]].amounts) {
          sums[amount.column] += amount.amount;
        }
      }
    }
    statistics(sums, drawn);
    for (std::size_t v = 0; v < values; ++v) {
      if (!std::isnan(drawn[v])) {
        resampled[v].push_back(drawn[v]);
      }
    }
  }
  for (std::vector<double>& sample : resampled) {
    std::sort(sample.begin(), sample.end());
  }
  return resampled;
}

std::optional<Interval> percentile_interval(std::span<const double> sorted, double level) {
  if (!(level > 0.0 && level < 1.0)) {
    throw InvalidInput("[percentile_interval] the level is " + std::to_string(level) +
                       ". Give one between 0 and 1, such as 0.95.");
  }
  if (sorted.empty()) {
    return std::nullopt;
  }
  const double tail = (1.0 - level) / 2.0;
  return Interval{.low = quantile(sorted, tail), .high = quantile(sorted, 1.0 - tail)};
}

std::optional<double> bootstrap_p_value(std::span<const double> sorted) {
  if (sorted.empty()) {
    return std::nullopt;
  }
  const auto [first_zero, past_zero] = std::equal_range(sorted.begin(), sorted.end(), 0.0);
  const auto not_above = static_cast<double>(past_zero - sorted.begin());
  const auto not_below = static_cast<double>(sorted.end() - first_zero);
  const double share = (std::min(not_above, not_below) + 1.0) / (static_cast<double>(sorted.size()) + 1.0);
  return std::min(1.0, 2.0 * share);
}

}  // namespace endorm
