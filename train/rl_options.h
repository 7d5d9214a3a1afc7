#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/aggregate.h"
#include "engine/messages.h"
#include "engine/precision.h"
#include "train/advantage.h"
#include "train/guards.h"
#include "train/policy_loss_options.h"
#include "train/reward_mix.h"
#include "train/training_options.h"

namespace endorm {

// What a response is rewarded for.
enum class RewardKind {
  kEndogenous,  // the reward model's own logits (arXiv:2506.23235)
  kRelative,    // log pi of the reward model less log pi of the reference, nats
  kVerified,    // 1 where the answer is right, 0 where it is wrong or cannot be read
  kMajority,    // 1 where the answer is the one that most responses of the group give, 0 otherwise
};
inline constexpr std::array<std::pair<std::string_view, RewardKind>, 4> kRewardKinds{
    {{"endogenous", RewardKind::kEndogenous},
     {"relative", RewardKind::kRelative},
     {"verified", RewardKind::kVerified},
     {"majority", RewardKind::kMajority}}};

struct RewardSpec {
  RewardKind kind = RewardKind::kEndogenous;
  RewardSource mix;    // its weight by step, and how it is brought to scale
  bool dense = false;  // endogenous and relative: a number at every token instead of one for the response
  Aggregation aggregation = Aggregation::kDiscounted;  // endogenous and relative, where not dense
  std::string step_separator = "\n\n";                 // of steps, where the aggregation is over steps
};

// How responses are drawn.
struct RolloutOptions {
  std::size_t prompts = 8;  // a step
  std::size_t group = 8;    // responses to each
  std::size_t max_tokens = 256;
  std::size_t max_prompt_tokens = 1024;  // longer prompts are left out, and said
  TemplateOptions text = {};             // of prompts
  Precision precision = Precision::kExact;
};

struct UpdateOptions {
  std::size_t epochs = 1;       // passes over a step's responses
  std::size_t minibatches = 1;  // optimizer steps in a pass
  LossAverage average = LossAverage::kToken;
};

enum class OnFault { kStop, kRollBack };
inline constexpr std::array<std::pair<std::string_view, OnFault>, 2> kOnFault{
    {{"stop", OnFault::kStop}, {"roll_back", OnFault::kRollBack}}};

// A whole run of `endorm rl`.
struct RlOptions {
  TrainingOptions run = {.steps = 100, .pass_tokens = 4096, .checkpoint_every = 10};
  std::string data;  // JSON lines: prompt or messages, and answer
  RolloutOptions rollout;
  AdvantageOptions advantage;  // its sources are those of rewards
  PolicyLossOptions loss;
  UpdateOptions update;
  std::vector<RewardSpec> rewards = {RewardSpec{}};
  std::string reward_model;       // GGUF; empty: the policy that the run begins with
  std::size_t refresh_every = 0;  // steps after which the reward model becomes the policy of then; 0: never

  // What is watched.
  GuardLimits guards;
  OnFault on_fault = OnFault::kStop;
  std::string held_out;  // problems that are sampled and graded, never learnt; empty: none
  std::size_t held_out_every = 10;
  std::size_t held_out_samples = 1;
  std::size_t samples_every = 10;  // steps between those whose samples are kept in the log; 0: none
  std::size_t samples = 2;         // of such a step
};

}  // namespace endorm
