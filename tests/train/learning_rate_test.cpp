#include <doctest/doctest.h>

#include "train/training_options.h"

using namespace endorm;

TEST_CASE("The learning rate rises in equal steps, then falls to its last fraction") {
  LearningRateSchedule schedule{.peak = 1.0, .warm_up = 4, .decay = LearningRateDecay::kLinear, .final_fraction = 0.2};
  CHECK(schedule.at(0, 9) == doctest::Approx(0.25));
  CHECK(schedule.at(3, 9) == doctest::Approx(1.0));
  CHECK(schedule.at(4, 9) == doctest::Approx(1.0));
  CHECK(schedule.at(6, 9) == doctest::Approx(0.6));
  CHECK(schedule.at(8, 9) == doctest::Approx(0.2));
  CHECK(schedule.at(100, 9) == doctest::Approx(0.2));

  schedule.decay = LearningRateDecay::kCosine;
  CHECK(schedule.at(5, 9) == doctest::Approx(0.2 + 0.8 * 0.5 * (1.0 + 0.70710678)));
  CHECK(schedule.at(8, 9) == doctest::Approx(0.2));

  schedule.decay = LearningRateDecay::kNone;
  CHECK(schedule.at(8, 9) == 1.0);
}
