#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/reward.h"
#include "engine/llama/llama_engine.h"
#include "engine/path_statistics.h"

namespace endorm {

// A model that reads what the policy drew and never learns: the reward model, the reference. It reads the very tokens
// that were drawn. One caller at a time.
class FrozenModel {
 public:
  // Throws as make_llama_engine.
  explicit FrozenModel(const LlamaEngineOptions& options);

  // The paper's quantities at every token, [B][T], alpha 1; what responses share is computed once. Throws EngineError
  // where the model fails.
  std::vector<std::vector<TokenReward>> read(std::span<const TokenPath> responses) const;

  std::size_t vocabulary() const;  // columns that a log-sum-exp runs over
  Engine& engine() const { return *engine_; }

 private:
  std::unique_ptr<LlamaEngine> engine_;
};

// The frozen models of a run: the policy that it begins with, which is the reference too, and the one that rewards.
class FrozenModels {
 public:
  // start: of the policy. reward_model: GGUF; empty: the policy. Throws InvalidInput where they do not have the same
  // number of tokens.
  FrozenModels(const LlamaEngineOptions& start, const std::string& reward_model);

  const FrozenModel& start() const { return start_; }
  const FrozenModel& reward() const { return reward_ ? *reward_ : start_; }

  // From here on the reward model is that of `path`.
  void refresh(const std::string& path);

 private:
  LlamaEngineOptions engine_;
  FrozenModel start_;
  std::optional<FrozenModel> reward_;  // none: it is start_
};

}  // namespace endorm
