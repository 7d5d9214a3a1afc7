#include "train/training_options.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <system_error>

#include "core/errors.h"

namespace endorm {

double LearningRateSchedule::at(std::size_t step, std::size_t steps) const {
  if (step < warm_up) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  }
  if (decay == LearningRateDecay::kNone) {
    return peak;
  }
  const std::size_t falling = steps > warm_up + 1 ? steps - warm_up - 1 : 1;
  const double done = std::min(1.0, static_cast<double>(step - warm_up) / static_cast<double>(falling));
  const double left =
      decay == LearningRateDecay::kLinear ? 1.0 - done : 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  return peak * (final_fraction + (1.0 - final_fraction) * left);
}

void make_run_directory(const std::string& directory) {
  std::error_code fault;
  std::filesystem::create_directories(directory, fault);
  if (fault) {
    throw InvalidInput("[--output] " + directory + " cannot be a directory: " + fault.message());
  }
}

}  // namespace endorm
