#pragma once

#include <cstddef>

namespace endorm {

enum class LearningRateDecay { kNone, kLinear, kCosine };

// The learning rate of each step of a run: a linear rise over the first warm_up steps, then a fall to
// final_fraction * peak at the last step.
struct LearningRateSchedule {
  double peak = 1e-4;
  std::size_t warm_up = 0;  // steps
  std::size_t steps = 1;    // of the whole run
  LearningRateDecay decay = LearningRateDecay::kCosine;
  double final_fraction = 0.1;

  // step counts from 0; steps behind the last have its rate.
  double at(std::size_t step) const;
};

}  // namespace endorm
