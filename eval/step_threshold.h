#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "eval/example.h"

namespace endorm {

// Scores of a solution's steps [steps], higher is better, and what is known of them.
struct ScoredSteps {
  std::span<const double> scores;
  const StepLabel* label = nullptr;
};

struct FittedThreshold {
  double threshold = 0.0;  // a step whose score is below it is wrong
  double value = 0.0;      // of what was fitted, on the rows that chose it
};

// The first step below the threshold; none where there is none.
std::optional<std::size_t> first_below(std::span<const double> scores, double threshold);

// The harmonic mean of two shares; 0 where both are 0.
double harmonic_mean(double first, double second);

// PRMScore of counts of steps: the mean of the F1 of right steps and the F1 of wrong steps. NaN where there are no
// right or no wrong steps. `right_kept` of `right` right steps and `wrong_found` of `wrong` wrong ones were told so.
double prm_score(double right_kept, double right, double wrong_found, double wrong);
// F1 of a class of which `found` of `members` were found, with `falsely` others taken for it; 0 where none was found.
double class_f1(double found, double members, double falsely);

// The threshold with the best harmonic mean of: share of rows with an error whose first one is found, share of rows
// without one where none is found. Halfway between scores; the lowest of equally good ones. None where rows of either
// kind are missing.
std::optional<FittedThreshold> fit_first_error(std::span<const ScoredSteps> rows);

// The threshold with the best PRMScore over all steps of rows that label each. As above.
std::optional<FittedThreshold> fit_every_step(std::span<const ScoredSteps> rows);

}  // namespace endorm
