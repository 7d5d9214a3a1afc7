#include <array>
#include <cmath>
#include <limits>

#include "core/row_kernels.h"

namespace endorm {
namespace {

constexpr std::size_t kLanes = 8;

RowScan scan(std::span<const float> row) {
  constexpr float kMasked = -std::numeric_limits<float>::infinity();
  RowScan found{kMasked, false};
  std::array<double, kLanes> sums{};
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float entry = row[i];
    // Written so that NaN, which compares false with everything, is caught with +infinity.
    found.has_refused_entry |= !(entry <= std::numeric_limits<float>::max());
    found.maximum = entry > found.maximum ? entry : found.maximum;
    sums[i % kLanes] += entry == kMasked ? 0.0 : static_cast<double>(entry);
    found.unmasked += entry == kMasked ? 0 : 1;
  }
  for (const double sum : sums) {
    found.sum += sum;
  }
  return found;
}

ExponentialSums exponential_sums(std::span<const float> block, double maximum, double inverse_alpha) {
  std::array<ExponentialSums, kLanes> lanes{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double exponent = (static_cast<double>(block[i]) - maximum) * inverse_alpha;
    const double exponential = std::exp(exponent);
    if (exponential == 0.0) {
      continue;  // 0 * -infinity would be NaN
    }
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

const RowKernelFunctions kPortableRowKernel{scan, exponential_sums};

}  // namespace endorm
