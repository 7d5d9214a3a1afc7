#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/reward.h"
#include "engine/engine.h"
#include "engine/llama/llama_engine.h"

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

}  // namespace endorm
