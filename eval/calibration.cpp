#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "core/reward.h"
#include "eval/statistics.h"

namespace endorm {

Calibration calibrate(std::span<const double> margins, std::size_t bins) {
  if (bins == 0) {
    throw InvalidInput("[calibrate] 0 bins are asked for. Give at least 1.");
  }
  Calibration calibration;
  calibration.bins.resize(bins);
  const auto count = static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    calibration.bins[b].low = 0.5 + 0.5 * static_cast<double>(b) / count;
    calibration.bins[b].high = 0.5 + 0.5 * static_cast<double>(b + 1) / count;
  }
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double margin = margins[i];
    if (!std::isfinite(margin)) {
      throw InvalidInput("[calibrate] margin " + std::to_string(i) + " is " + std::to_string(margin) +
                         ". Leave out what is not finite.");
    }
    if (margin == 0.0) {
      ++calibration.ties;
      continue;
    }
    const double confidence = preference_probability(std::abs(margin), 0.0);
    // The last bin whose low end is not above it: a confidence on a border lies in the upper bin.
    const auto above = std::upper_bound(calibration.bins.begin() + 1, calibration.bins.end(), confidence,
                                        [](double value, const CalibrationBin& bin) { return value < bin.low; });
    CalibrationBin& bin = *(above - 1);
    ++bin.n;
    bin.confidence += confidence;
    bin.accuracy += margin > 0.0 ? 1.0 : 0.0;
    ++calibration.n;
  }
  double gap = 0.0;
  for (CalibrationBin& bin : calibration.bins) {
    if (bin.n == 0) {
      continue;
    }
    gap += std::abs(bin.accuracy - bin.confidence);  // both are still sums: n_b times the gap of the means
    bin.confidence /= static_cast<double>(bin.n);
    bin.accuracy /= static_cast<double>(bin.n);
  }
  if (calibration.n > 0) {
    calibration.expected_error = gap / static_cast<double>(calibration.n);
  }
  return calibration;
}

}  // namespace endorm
