#include "train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "core/errors.h"

namespace endorm {

std::string_view learning_rate_decay_name(LearningRateDecay decay) {
  static constexpr std::string_view kNames[] = {"none", "linear", "cosine"};
  return kNames[static_cast<std::size_t>(decay)];
}

LearningRateDecay learning_rate_decay_from_name(std::string_view name) {
  for (const LearningRateDecay decay :
       {LearningRateDecay::kNone, LearningRateDecay::kLinear, LearningRateDecay::kCosine}) {
    if (learning_rate_decay_name(decay) == name) {
      return decay;
    }
  }
  throw InvalidInput("[learning_rate_decay_from_name] no decay is called \"" + std::string(name) +
                     "\"; there are none, linear and cosine");
}

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

}  // namespace endorm
