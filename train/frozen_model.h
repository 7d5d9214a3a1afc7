#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/reward.h"
#include "engine/path_statistics.h"

namespace endorm {

class LlamaEngine;
struct LlamaEngineOptions;

// A model that reads what the policy drew and never learns: the reward model, the reference. It reads the very tokens
// that were drawn. One caller at a time.
class FrozenModel {
 public:
  // Throws as make_llama_engine.
  explicit FrozenModel(const LlamaEngineOptions& options);
  ~FrozenModel();
  FrozenModel(FrozenModel&&) noexcept;
  FrozenModel& operator=(FrozenModel&&) noexcept;

  // The paper's quantities at every token, [B][T], with the soft value of temperature alpha; what responses share is
  // computed once. Throws EngineError where the model fails.
  std::vector<std::vector<TokenReward>> read(std::span<const TokenPath> responses, double alpha) const;

  std::size_t vocabulary() const;  // columns that a log-sum-exp runs over
  Engine& engine() const;

 private:
  std::unique_ptr<LlamaEngine> engine_;
};

}  // namespace endorm
