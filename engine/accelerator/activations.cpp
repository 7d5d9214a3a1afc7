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

}  // namespace endorm
