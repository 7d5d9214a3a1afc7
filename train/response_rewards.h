#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/reward.h"
#include "engine/engine.h"
#include "engine/llama/llama_engine.h"
#include "train/policy_learner.h"
#include "train/policy_sampler.h"
#include "train/reward_mix.h"
#include "train/rl_options.h"

namespace endorm {

// The paper's quantities at every token that the policy drew, [B][T], alpha 1, by a model that never learns; what
// responses share is computed once. Throws EngineError where the model fails.
std::vector<std::vector<TokenReward>> read_rewards(Engine& model, std::span<const TokenPath> responses);

// The frozen models of a run: the policy that it begins with, which is the reference too, and the one that rewards. One
// caller at a time.
class FrozenModels {
 public:
  // start: of the policy. reward_model: GGUF; empty: the policy. Throws as make_llama_engine, and InvalidInput where
  // they do not have the same number of tokens.
  FrozenModels(const LlamaEngineOptions& start, const std::string& reward_model);

  Engine& start() const { return *start_; }
  Engine& reward() const { return reward_ ? *reward_ : *start_; }

  // From here on the reward model is that of `path`.
  void refresh(const std::string& path);

 private:
  LlamaEngineOptions engine_;
  std::unique_ptr<Engine> start_;
  std::unique_ptr<Engine> reward_;  // none: it is start_
};

// What is read of a batch of responses before any of it is mixed. B responses, K sources of reward.
struct ResponseRewards {
  std::vector<std::vector<RewardPart>> parts;           // [B][K]
  std::vector<std::vector<double>> reference_log_prob;  // [B][T] nats; empty where the reference was not read
  std::vector<std::vector<TokenReward>> endogenous;     // [B][T] of the reward model; empty where no source has it
  std::vector<std::string> notes;                       // [B] what a grader said; empty where none was asked
};

// Rewards of responses to problems [P], each response's problem an index among them, and what the reference says of
// them, where it is one (nullptr: none, and no source is relative). It may be the reward model: then that reads once.
// What source k says of response b is parts[b][k].
ResponseRewards reward_responses(std::span<const SampledResponse> responses, std::span<const RlProblem> problems,
                                 std::span<const RewardSpec> sources, Engine& reward_model, Engine* reference);

// What the advantages are made of; log-probabilities are those of the reading, else those of the engine that drew.
std::vector<Rollout> rollouts_of(std::span<const SampledResponse> responses, const ResponseRewards& rewards,
                                 const PolicyReading& reading);

// The share of responses whose answer is right. Every problem has an answer.
double share_of_right(std::span<const SampledResponse> responses, std::span<const RlProblem> problems);

// Whether a source reads what a model says of the tokens; the others read the texts alone.
bool reads_logits(const RewardSpec& source);

}  // namespace endorm
