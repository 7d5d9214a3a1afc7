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

}  // namespace

double exponent(std::span<const double> x, std::span<const double> y) {
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += std::log(x[i]) / static_cast<double>(x.size());
    mean_y += std::log(y[i]) / static_cast<double>(x.size());
  }
  double product = 0.0;
  double square = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    product += (std::log(x[i]) - mean_x) * (std::log(y[i]) - mean_y);
    square += (std::log(x[i]) - mean_x) * (std::log(x[i]) - mean_x);
  }
  return product / square;
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
