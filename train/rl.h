#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "train/frozen_model.h"
#include "train/guards.h"
#include "train/policy_learner.h"
#include "train/policy_sampler.h"
#include "train/rl_options.h"
#include "train/rl_problem.h"
#include "train/trained_model.h"
#include "train/training_data.h"
#include "train/training_run.h"

namespace endorm {

// Reinforcement learning, step by step: prompts in an order of the seed's -> responses of the policy as it is ->
// rewards -> advantages -> an update of the policy. What it is given must outlive it.
class RlRun : public Learner {
 public:
  // Turns on the policy's gradients. held_out: problems that are sampled and graded, never learnt; may be empty.
  RlRun(TrainedModel& policy, PolicySampler& sampler, FrozenModels& models, const RlProblems& data,
        const RlProblems& held_out, const RlOptions& options);

  std::size_t steps_done() const override { return done_; }
  TrainingStep advance() override;
  std::optional<std::string> fault_of(std::span<const Metric> metrics) override;
  bool rolls_back() const override { return options_.on_fault == OnFault::kRollBack; }
  // A step behind which the reward model becomes the policy of then has a checkpoint.
  bool checkpoint_is_due() const override;
  void save(const std::string& path, const std::string& fingerprint) override;
  void resume(const std::string& path, const std::string& fingerprint) override;

 private:
  std::vector<RlProblem> next_problems();
  std::vector<SampledResponse> draw(std::span<const RlProblem> problems, std::size_t each, std::uint64_t seed);
  TrainingStep learn();
  double held_out_accuracy();
  bool reads_first() const;
  bool reads_reference() const;
  std::string refreshed_path(std::size_t step) const;

  TrainedModel& policy_;
  PolicySampler& sampler_;
  FrozenModels& models_;
  const RlProblems& data_;
  const RlProblems& held_out_;
  RlOptions options_;
  PolicyLearner learner_;
  Guards guards_;
  EpochWalk walk_;
  std::size_t done_ = 0;
  std::optional<std::size_t> taken_;  // steps that the sampler's weights have done
};

}  // namespace endorm
