#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "eval/statistics.h"

namespace endorm {
namespace {

void check_pairs(std::span<const double> x, std::span<const double> y, const char* function) {
  if (x.size() != y.size()) {
    throw InvalidInput("[" + std::string(function) + "] x has " + std::to_string(x.size()) + " values and y " +
                       std::to_string(y.size()) + ". Give one y for each x.");
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
      throw InvalidInput("[" + std::string(function) + "] pair " + std::to_string(i) + " is (" + std::to_string(x[i]) +
                         ", " + std::to_string(y[i]) + "). Leave out what is not finite.");
    }
  }
}

bool varies(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [&](double value) { return value != values.front(); });
}

double mean(std::span<const double> values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// Values less their mean, divided by the largest of these in size: their squares neither overflow nor vanish.
std::vector<double> scaled_deviations(std::span<const double> values) {
  const double centre = mean(values);
  std::vector<double> deviations(values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    deviations[i] = values[i] - centre;
    largest = std::max(largest, std::abs(deviations[i]));
  }
  for (double& deviation : deviations) {
    deviation /= largest;
  }
  return deviations;
}

}  // namespace

std::optional<double> pearson(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y, "pearson");
  if (x.size() < 2 || !varies(x) || !varies(y)) {
    return std::nullopt;
  }
  const std::vector<double> dx = scaled_deviations(x);
  const std::vector<double> dy = scaled_deviations(y);
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < dx.size(); ++i) {
    xx += dx[i] * dx[i];
    yy += dy[i] * dy[i];
    xy += dx[i] * dy[i];
  }
  return xy / (std::sqrt(xx) * std::sqrt(yy));
}

std::optional<double> spearman(std::span<const double> x, std::span<const double> y) {
  check_pairs(x, y, "spearman");
  return pearson(mid_ranks(x), mid_ranks(y));
}

std::vector<double> mid_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && !(values[order[begin]] < values[order[end]])) {
      ++end;
    }
    // The mean of the ranks begin + 1 .. end.
    const double rank = static_cast<double>(begin + 1 + end) / 2.0;
    for (std::size_t i = begin; i < end; ++i) {
      ranks[order[i]] = rank;
    }
  }
  return ranks;
}

}  // namespace endorm
