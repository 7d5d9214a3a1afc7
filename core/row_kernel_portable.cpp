#include <array>
#include <cmath>
#include <limits>

#include "core/row_kernels.h"

namespace endorm {
namespace {

RowMaximum row_maximum(std::span<const float> row) {
  float maximum = -std::numeric_limits<float>::infinity();
  bool has_refused_entry = false;
  for (const float entry : row) {
    // Written so that NaN, which compares false with everything, is caught with +infinity.
    has_refused_entry |= !(entry <= std::numeric_limits<float>::max());
    maximum = entry > maximum ? entry : maximum;
  }
  return {maximum, has_refused_entry};
}

ExponentialSums exponential_sums(std::span<const float> block, double maximum, double inverse_alpha) {
  constexpr std::size_t kLanes = 8;
  std::array<ExponentialSums, kLanes> lanes{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double exponent = (static_cast<double>(block[i]) - maximum) * inverse_alpha;
    const double exponential = std::exp(exponent);
    if (exponential == 0.0) continue;  // 0 * -infinity would be NaN
    lanes[i % kLanes].sum += exponential;
    lanes[i % kLanes].weighted += exponential * exponent;
  }
  ExponentialSums sums;
  for (const ExponentialSums& lane : lanes) {
    sums.sum += lane.sum;
    sums.weighted += lane.weighted;
  }
  return sums;
}

}  // namespace

const RowKernelFunctions kPortableRowKernel{row_maximum, exponential_sums};

}  // namespace endorm
