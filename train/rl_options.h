#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/aggregate.h"
#include "engine/messages.h"
#include "engine/precision.h"
#include "train/advantage.h"
#include "train/guards.h"
#include "train/learning_rate.h"
#include "train/policy_loss_options.h"

namespace endorm {

// What a response is rewarded for.
enum class RewardKind {
  kEndogenous,  // the reward model's own logits (arXiv:2506.23235)
  kRelative,    // log pi of the reward model less log pi of the reference, nats
  kVerified,    // 1 where the answer is right, 0 where it is wrong or cannot be read
  kMajority,    // 1 where the answer is the one that most responses of the group give, 0 otherwise
};

struct RewardSpec {
  RewardKind kind = RewardKind::kEndogenous;
  RewardSource mix;            // its weight by step, and how it is brought to scale
  bool dense = false;          // endogenous and relative: a number at every token instead of one for the response
  double alpha = 1.0;          // endogenous: temperature of the soft value
  AggregateOptions aggregate;  // endogenous and relative, where not dense
  std::string step_separator = "\n\n";  // of steps, where the aggregation is over steps
};

// How responses are drawn.
struct RolloutOptions {
  std::size_t prompts = 8;  // a step
  std::size_t group = 8;    // responses to each
  std::size_t max_tokens = 256;
  std::size_t max_prompt_tokens = 1024;  // longer prompts are left out, and said
  TemplateOptions text;                  // of prompts
  double temperature = 1.0;
  Precision precision = Precision::kExact;
};

struct UpdateOptions {
  LearningRateSchedule schedule;  // its steps are filled in: those of the run
  double weight_decay = 0.0;
  double clip_norm = 1.0;
  std::size_t epochs = 1;       // passes over a step's responses
  std::size_t minibatches = 1;  // optimizer steps in a pass
  LossAverage average = LossAverage::kToken;
  double value_coefficient = 0.1;          // PPO: of the critic's loss
  std::optional<double> value_clip = 0.2;  // PPO

  // What changes only speed and memory.
  std::size_t pass_tokens = 4096;  // tokens in one forward and backward pass
  bool recompute_layers = false;
};

enum class OnFault { kStop, kRollBack };

// A whole run of `endorm rl`.
struct RlOptions {
  // What changes the weights.
  std::string model;  // GGUF: the policy that the run begins with
  std::string data;   // JSON lines: prompt or messages, and answer
  std::size_t steps = 100;
  std::uint64_t seed = 0;
  std::size_t lora_rank = 0;  // 0: every weight learns
  double lora_alpha = 32.0;
  std::string device = "auto";   // of the trainer: "cpu", "cuda", or a GPU where there is one
  std::string compute = "auto";  // "f32", "bf16", or whichever is faster here
  RolloutOptions rollout;
  AdvantageOptions advantage;  // its sources are filled in
  PolicyLossOptions loss;
  UpdateOptions update;
  std::vector<RewardSpec> rewards = {RewardSpec{}};
  std::string reward_model;       // GGUF; empty: the policy that the run begins with
  std::size_t refresh_every = 0;  // steps after which the reward model becomes the policy of then; 0: never
  std::string reference_model;    // GGUF; empty: the policy that the run begins with

  // What is watched.
  GuardLimits guards;
  OnFault on_fault = OnFault::kStop;
  std::string held_out;  // problems that are sampled and graded, never learnt; empty: none
  std::size_t held_out_every = 10;
  std::size_t held_out_samples = 1;
  std::size_t samples_every = 10;  // steps between those whose samples are kept in the log; 0: none
  std::size_t samples = 2;         // of such a step

  // Where it lies.
  std::string directory;
  std::size_t checkpoint_every = 10;
  std::string export_type = "f32";
};

}  // namespace endorm
