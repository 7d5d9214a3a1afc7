// Thresholds against trying every one that can matter.
#include "eval/step_threshold.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace endorm {
namespace {

struct Solution {
  std::vector<double> scores;
  StepLabel label;
};

std::vector<Solution> random_solutions(RandomStream& random, std::size_t count) {
  std::vector<Solution> solutions(count);
  for (Solution& solution : solutions) {
    const std::size_t steps = 1 + random.below(6);
    solution.label.wrong.emplace(steps, false);
    for (std::size_t s = 0; s < steps; ++s) {
      solution.scores.push_back(static_cast<double>(random.below(9)) / 4.0 - 1.0);  // coarse: equal scores occur
      const bool wrong = random.below(4) == 0;
      (*solution.label.wrong)[s] = wrong;
      if (wrong && !solution.label.first_error) {
        solution.label.first_error = s;
      }
    }
  }
  return solutions;
}

std::vector<ScoredSteps> rows_of(const std::vector<Solution>& solutions) {
  std::vector<ScoredSteps> rows;
  for (const Solution& solution : solutions) {
    rows.push_back({.scores = solution.scores, .label = &solution.label});
  }
  return rows;
}

double first_error_value(const std::vector<Solution>& solutions, double threshold) {
  double right[2] = {0.0, 0.0};
  double number[2] = {0.0, 0.0};
  for (const Solution& solution : solutions) {
    const std::size_t kind = solution.label.first_error ? 1 : 0;
    number[kind] += 1.0;
    right[kind] += first_below(solution.scores, threshold) == solution.label.first_error ? 1.0 : 0.0;
  }
  return harmonic_mean(right[0] / number[0], right[1] / number[1]);
}

double every_step_value(const std::vector<Solution>& solutions, double threshold) {
  double kept = 0.0;
  double right = 0.0;
  double found = 0.0;
  double wrong = 0.0;
  for (const Solution& solution : solutions) {
    for (std::size_t s = 0; s < solution.scores.size(); ++s) {
      const bool below = solution.scores[s] < threshold;
      if ((*solution.label.wrong)[s]) {
        wrong += 1.0;
        found += below ? 1.0 : 0.0;
      } else {
        right += 1.0;
        kept += below ? 0.0 : 1.0;
      }
    }
  }
  return prm_score(kept, right, found, wrong);
}

TEST_CASE("the fitted threshold is as good as the best that can be tried, and reaches what it says") {
  constexpr std::uint64_t kSeed = 91;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 300; ++round) {
    INFO("round ", round);
    const std::vector<Solution> solutions = random_solutions(random, 2 + random.below(12));
    const std::vector<ScoredSteps> rows = rows_of(solutions);
    double best_first = 0.0;
    double best_every = 0.0;
    for (double threshold = -1.125; threshold < 2.0; threshold += 0.125) {
      best_first = std::max(best_first, first_error_value(solutions, threshold));
      best_every = std::max(best_every, every_step_value(solutions, threshold));
    }
    if (const auto fitted = fit_first_error(rows)) {
      CHECK(fitted->value == doctest::Approx(best_first).epsilon(1e-12));
      CHECK(first_error_value(solutions, fitted->threshold) == doctest::Approx(fitted->value).epsilon(1e-12));
    }
    if (const auto fitted = fit_every_step(rows)) {
      CHECK(fitted->value == doctest::Approx(best_every).epsilon(1e-12));
      CHECK(every_step_value(solutions, fitted->threshold) == doctest::Approx(fitted->value).epsilon(1e-12));
    }
  }
}

TEST_CASE("nothing is fitted without rows of both kinds") {
  const std::vector<double> scores{0.5, 1.0};
  const StepLabel correct;
  const StepLabel wrong{.first_error = 1, .wrong = std::nullopt};
  CHECK_FALSE(fit_first_error({}).has_value());
  CHECK_FALSE(fit_first_error(std::vector<ScoredSteps>{{.scores = scores, .label = &correct}}).has_value());
  CHECK_FALSE(fit_first_error(std::vector<ScoredSteps>{{.scores = scores, .label = &wrong}}).has_value());
  CHECK_FALSE(fit_every_step(std::vector<ScoredSteps>{{.scores = scores, .label = &wrong}}).has_value());
}

TEST_CASE("a step at the threshold is right, one below it wrong; the first counts") {
  CHECK_FALSE(first_below(std::vector<double>{1.0, 2.0}, 1.0).has_value());
  CHECK(first_below(std::vector<double>{1.0, 0.5, 0.2}, 1.0) == std::size_t{1});
  CHECK(harmonic_mean(0.0, 0.0) == 0.0);
  CHECK(harmonic_mean(0.5, 1.0) == doctest::Approx(2.0 / 3.0));
}

}  // namespace
}  // namespace endorm
