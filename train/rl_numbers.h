#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "train/advantage.h"
#include "train/guards.h"
#include "train/policy_learner.h"
#include "train/response_rewards.h"
#include "train/run_log.h"

namespace endorm {

// Where the time of a step went, seconds.
struct StepTimes {
  double rollout = 0.0;
  double reward = 0.0;
  double update = 0.0;
};

// All that a step leaves to be told. B responses.
struct StepNumbers {
  std::span<const SampledResponse> responses;
  std::span<const RlProblem> problems;
  const ResponseRewards& rewards;
  const Advantages& advantages;
  const PolicyReading& reading;  // of the policy before the update
  const PolicyUpdate& update;
  StepTimes times;
  double learning_rate = 0.0;
};

// The numbers of a step's line in the log; docs/training.md says what each is.
std::vector<Metric> metrics_of(const StepNumbers& numbers, const RlOptions& options, std::size_t step);

// What the guards look at, of a step's line.
StepHealth health_of(std::span<const Metric> metrics);

// The first responses of the step, as people read them. engine spells tokens.
std::vector<LoggedSample> samples_of(const StepNumbers& numbers, const RlOptions& options, const Engine& engine);

// Of the runs of four tokens in a response [T], the share that stood in it before; 0 where there are none.
double repetition(std::span<const Token> tokens);

}  // namespace endorm
