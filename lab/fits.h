#pragma once

#include <span>
#include <string>
#include <vector>

namespace endorm::lab {

// Slope of log y against log x by least squares: the exponent of a power law. x and y [N] positive, N >= 2.
double exponent(std::span<const double> x, std::span<const double> y);
// Pearson's. x and y [N], N >= 2.
double correlation(std::span<const double> x, std::span<const double> y);

// The middle and the ends of the central 95 % of some values, at least one.
struct Spread {
  double low = 0.0;
  double median = 0.0;
  double high = 0.0;
  // The end that is farther from `value`, as a distance.
  double distance_from(double value) const;
};
Spread spread(std::vector<double> values);
// "1.98 [1.95, 2.01]"
std::string text(const Spread& spread);
// A number in a sentence, four digits.
std::string text(double value);

}  // namespace endorm::lab
