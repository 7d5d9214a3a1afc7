#include "train/frozen_model.h"

#include "core/errors.h"

namespace endorm {

FrozenModel::FrozenModel(const LlamaEngineOptions& options) : engine_(make_llama_engine(options)) {}

std::size_t FrozenModel::vocabulary() const { return engine_->model().vocabulary; }

std::vector<std::vector<TokenReward>> FrozenModel::read(std::span<const TokenPath> responses) const {
  std::vector<std::vector<TokenReward>> rewards;
  const std::vector<std::vector<TokenStats>> of_paths = evaluate_paths(*engine_, responses, {}).front();
  rewards.reserve(of_paths.size());
  for (const std::vector<TokenStats>& stats : of_paths) {
    rewards.push_back(token_rewards(stats, 1.0));
  }
  return rewards;
}

FrozenModels::FrozenModels(const LlamaEngineOptions& start, const std::string& reward_model)
    : engine_(start), start_(start) {
  if (reward_model.empty()) {
    return;
  }
  refresh(reward_model);
  if (reward_->vocabulary() != start_.vocabulary()) {
    throw InvalidInput("[rl] " + reward_model + " has " + std::to_string(reward_->vocabulary()) +
                       " tokens and the policy " + std::to_string(start_.vocabulary()) +
                       ": it cannot read what the policy writes");
  }
}

void FrozenModels::refresh(const std::string& path) {
  engine_.model_path = path;
  reward_.emplace(engine_);
}

}  // namespace endorm
