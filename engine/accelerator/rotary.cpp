#include "engine/accelerator/rotary.h"

#include <cmath>

#include "engine/accelerator/per_processor.h"

namespace endorm {

RotaryTable::RotaryTable(const RotaryAngles& angles, std::span<const std::int32_t> positions, int threads)
    : angles_(angles) {
  const std::size_t pairs = angles.width / 2;
  cosines_.resize(positions.size() * pairs);
  sines_.resize(positions.size() * pairs);
  std::vector<double> frequencies(pairs);
  for (std::size_t i = 0; i < pairs; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(angles.width);
    frequencies[i] = std::pow(static_cast<double>(angles.base), exponent) *
                     static_cast<double>(angles.frequency_scale) /
                     (angles.factors ? static_cast<double>(angles.factors[i]) : 1.0);
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::ptrdiff_t t = 0; t < static_cast<std::ptrdiff_t>(positions.size()); ++t) {
    const auto token = static_cast<std::size_t>(t);
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = positions[token] * frequencies[i];
      cosines_[token * pairs + i] = static_cast<float>(std::cos(angle)) * angles.length_scale;
      sines_[token * pairs + i] = static_cast<float>(std::sin(angle)) * angles.length_scale;
    }
  }
}

ENDORM_PER_PROCESSOR void rotate_head(const float* x, const float* cosines, const float* sines, std::size_t width,
                                      bool halves, float* out) {
  const std::size_t pairs = width / 2;
  if (halves) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const float first = x[i];
      const float second = x[i + pairs];
      out[i] = first * cosines[i] - second * sines[i];
      out[i + pairs] = first * sines[i] + second * cosines[i];
    }
    return;
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    const float first = x[2 * i];
    const float second = x[2 * i + 1];
    out[2 * i] = first * cosines[i] - second * sines[i];
    out[2 * i + 1] = first * sines[i] + second * cosines[i];
  }
}

}  // namespace endorm
