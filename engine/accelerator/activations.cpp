#include "engine/accelerator/activations.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/accelerator/per_processor.h"

namespace endorm {
namespace {

// exp(x), |x| <= 87; relative error below 2e-7. Without branches, so that loops over it vectorise.
inline float exponential(float x) {
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23 rounds to a whole number
  const float rounded = x * 1.44269504F + kRounder;
  const float n = rounded - kRounder;
  // ln 2 in two parts keeps the bits of a small rest.
  const float r = (x - n * 0.693145752F) - n * 1.42860677e-6F;
  float series = 1.0F / 720.0F;
  series = series * r + 1.0F / 120.0F;
  series = series * r + 1.0F / 24.0F;
  series = series * r + 1.0F / 6.0F;
  series = series * r + 0.5F;
  series = series * r + 1.0F;
  series = series * r + 1.0F;
  const std::uint32_t power = (std::bit_cast<std::uint32_t>(rounded) + 127U) << 23U;
  return series * std::bit_cast<float>(power);
}

// x (1 + tanh u) / 2 = x / (1 + exp(-2u)) with u = sqrt(2 / pi) (x + 0.044715 x^3).
inline float gelu_of(float x) {
  constexpr float kTwiceRoot = 1.5957691216057308F;
  constexpr float kMost = 87.0F;
  float exponent = -kTwiceRoot * (x + 0.044715F * x * x * x);
  exponent = exponent > kMost ? kMost : exponent;
  exponent = exponent < -kMost ? -kMost : exponent;
  return x / (1.0F + exponential(exponent));
}

// Sums in eight lanes: a single running sum would wait for itself.
constexpr std::size_t kLanes = 8;

}  // namespace

ENDORM_PER_PROCESSOR void gelu(const float* x, const float* gate, std::size_t count, float* out) {
  if (gate) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = gelu_of(x[i]) * gate[i];
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = gelu_of(x[i]);
  }
}

ENDORM_PER_PROCESSOR void rms_norm(const float* x, const float* weight, std::size_t count, float epsilon, float* out) {
  double lanes[kLanes] = {};
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double value = x[i + lane];
      lanes[lane] += value * value;
    }
  }
  double sum = 0.0;
  for (const double lane : lanes) {
    sum += lane;
  }
  for (std::size_t i = whole; i < count; ++i) {
    sum += static_cast<double>(x[i]) * x[i];
  }
  const auto scale =
      static_cast<float>(1.0 / std::sqrt(sum / static_cast<double>(count) + static_cast<double>(epsilon)));
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = x[i] * scale * weight[i];
  }
}

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
