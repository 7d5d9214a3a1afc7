#include "lab/fits.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace endorm::lab {
namespace {

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Sums of products of deviations from the means.
struct Moments {
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
};

Moments moments(std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  Moments sums;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sums.xx += (x[i] - mean_x) * (x[i] - mean_x);
    sums.yy += (y[i] - mean_y) * (y[i] - mean_y);
    sums.xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  return sums;
}

std::vector<double> logarithms(std::span<const double> values) {
  std::vector<double> logs(values.begin(), values.end());
  for (double& value : logs) {
    value = std::log(value);
  }
  return logs;
}

}  // namespace

double exponent(std::span<const double> x, std::span<const double> y) {
  const Moments sums = moments(logarithms(x), logarithms(y));
  return sums.xy / sums.xx;
}

double correlation(std::span<const double> x, std::span<const double> y) {
  const Moments sums = moments(x, y);
  return sums.xy / std::sqrt(sums.xx * sums.yy);
}

double Spread::distance_from(double value) const { return std::max(std::abs(low - value), std::abs(high - value)); }

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {quantile(values, 0.025), quantile(values, 0.5), quantile(values, 0.975)};
}

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

std::string text(const Spread& spread) {
  char buffer[96];
  std::snprintf(buffer, sizeof buffer, "%.2f [%.2f, %.2f]", spread.median, spread.low, spread.high);
  return buffer;
}

}  // namespace endorm::lab
