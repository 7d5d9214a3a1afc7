#include "train/standardise.h"

#include <cmath>
#include <string>

#include "core/errors.h"

namespace endorm {

void standardise(std::span<double* const> values, bool divide, double epsilon) {
  if (values.empty()) {
    return;
  }
  double sum = 0.0;
  bool equal = true;
  for (const double* value : values) {
    if (!std::isfinite(*value)) {
      throw InvalidInput("[standardise] a value is " + std::to_string(*value) + ": rewards must be finite");
    }
    sum += *value;
    equal = equal && *value == *values.front();
  }
  if (equal) {  // said apart: the mean of n times 0.1 is not 0.1, and the rest would be divided by itself
    for (double* value : values) {
      *value = 0.0;
    }
    return;
  }
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0.0;
  for (const double* value : values) {
    squares += (*value - mean) * (*value - mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  const double scale = divide ? 1.0 / (deviation + epsilon) : 1.0;
  for (double* value : values) {
    *value = (*value - mean) * scale;
  }
}

}  // namespace endorm
