#include "train/frozen_model.h"

#include "engine/llama/llama_engine.h"

namespace endorm {

FrozenModel::FrozenModel(const LlamaEngineOptions& options) : engine_(make_llama_engine(options)) {}
FrozenModel::~FrozenModel() = default;
FrozenModel::FrozenModel(FrozenModel&&) noexcept = default;
FrozenModel& FrozenModel::operator=(FrozenModel&&) noexcept = default;

std::size_t FrozenModel::vocabulary() const { return engine_->model_info().vocabulary; }
Engine& FrozenModel::engine() const { return *engine_; }

std::vector<std::vector<TokenReward>> FrozenModel::read(std::span<const TokenPath> responses, double alpha) const {
  std::vector<std::vector<TokenReward>> rewards;
  for (const std::vector<TokenStats>& stats : evaluate_paths(*engine_, responses, {.alpha = alpha})) {
    rewards.push_back(token_rewards(stats, alpha));
  }
  return rewards;
}

}  // namespace endorm
