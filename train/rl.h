#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "train/event_file.h"
#include "train/rl_options.h"
#include "train/rl_problem.h"
#include "train/run_log.h"

namespace endorm {

class Decoder;
class FrozenModel;
class PolicySampler;

// What one step did: the numbers of its line in the log, and responses to look at.
struct RlStep {
  std::size_t step = 0;  // from 1
  std::vector<Metric> metrics;
  std::vector<LoggedSample> samples;
  std::size_t tokens = 0;  // of the responses
};

// The models that a step reads and never changes.
struct FrozenModels {
  const FrozenModel* start = nullptr;      // the policy that the run begins with
  const FrozenModel* reward = nullptr;     // may be any of the others
  const FrozenModel* reference = nullptr;  // likewise
};

// Reinforcement learning, step by step: prompts in an order of the seed's -> responses of the policy as it is ->
// rewards
// -> advantages -> an update of the policy. Nothing that a step does depends on anything but the options, the weights
// and its number, so that a run goes on from a checkpoint to the same bits. One caller at a time; what it is given must
// outlive it.
class RlRun {
 public:
  RlRun(Decoder& policy, PolicySampler& sampler, const RlProblems& data, const RlOptions& options);
  ~RlRun();
  RlRun(const RlRun&) = delete;
  RlRun& operator=(const RlRun&) = delete;

  std::size_t steps_done() const;
  // Throws EngineError where loss or gradient are not finite; the weights are then those of the step before.
  RlStep advance(const FrozenModels& models);
  // The share of right answers among `samples` responses to each problem, drawn by the policy as it is.
  double accuracy(const RlProblems& held_out, std::size_t samples);

  // See train/checkpoint.h; fingerprint: what the run's result depends on.
  void save(const std::string& path, const std::string& fingerprint) const;
  void resume(const std::string& path, const std::string& fingerprint);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
