#pragma once

#include <cstddef>
#include <string_view>

namespace endorm {

enum class LearningRateDecay { kNone, kLinear, kCosine };

// "none", "linear", "cosine".
std::string_view learning_rate_decay_name(LearningRateDecay decay);
LearningRateDecay learning_rate_decay_from_name(std::string_view name);  // throws InvalidInput, listing the names

// The learning rate of each step of a run: a linear rise over the first warm_up steps, then a fall to
// final_fraction * peak at the last step.
struct LearningRateSchedule {
  double peak = 1e-4;
  std::size_t warm_up = 0;  // steps
  LearningRateDecay decay = LearningRateDecay::kCosine;
  double final_fraction = 0.1;

  // Of a step, from 0, of a run of `steps`; steps behind the last have its rate.
  double at(std::size_t step, std::size_t steps) const;
};

}  // namespace endorm
