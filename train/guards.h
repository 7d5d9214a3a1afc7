#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace endorm {

// What a run is watched for (train/rl_config.cpp has the ranges). A limit that is absent is not watched. "The start" is
// the mean over the first `window` steps, "now" that over the last `window`: one step alone stops nothing, other than a
// number that is none.
struct GuardLimits {
  std::size_t window = 5;  // steps

  std::optional<double> least_entropy = 0.02;            // nats a token
  std::optional<double> least_entropy_of_start = 0.1;    // as a part of that at the start, in 0..1
  std::optional<double> least_length = 2.0;              // tokens a response
  std::optional<double> least_length_of_start = 0.25;    // as a part, in 0..1
  std::optional<double> greatest_length_of_start = 4.0;  // as a multiple, at least 1
  std::optional<double> greatest_kl = 1.0;               // nats a token, from the reference
};

// What the guards read of a step: means over its responses or tokens. Absent: not measured at this step.
struct StepHealth {
  double loss = 0.0;
  double gradient_norm = 0.0;
  std::optional<double> entropy = {};  // nats a token
  std::optional<double> length = {};   // tokens a response
  std::optional<double> kl = {};       // nats a token, from the reference
};

// The mean of a number over the first steps that measured it and over the last.
class GuardedMean {
 public:
  explicit GuardedMean(std::size_t window) : window_(window) {}

  void add(double value);
  bool full() const { return recent_.size() == window_; }
  double start() const;  // full() only
  double now() const;    // full() only

 private:
  std::size_t window_;
  std::vector<double> first_;   // at most window
  std::vector<double> recent_;  // at most window, the oldest first
};

// Watches a run step by step; whether it then stops or goes back to a checkpoint is the caller's. A run that goes on
// behind step k, or went back to it, makes new guards and checks steps 1 to k again, from its log, whatever they say:
// then the start is the same one.
class Guards {
 public:
  explicit Guards(const GuardLimits& limits);

  // Looks at the next step. None: all is well. Otherwise why not, a sentence with the numbers and what helps: of
  // several faults a number that is none, then entropy, length, KL.
  std::optional<std::string> check(const StepHealth& health);

 private:
  GuardLimits limits_;
  GuardedMean entropy_;
  GuardedMean length_;
  GuardedMean kl_;
};

}  // namespace endorm
