#include "train/frozen_model.h"

#include "core/errors.h"

namespace endorm {

std::vector<std::vector<TokenReward>> read_rewards(Engine& model, std::span<const TokenPath> responses) {
  std::vector<std::vector<TokenReward>> rewards;
  const std::vector<std::vector<TokenStats>> of_paths = evaluate_paths(model, responses, {}).front();
  rewards.reserve(of_paths.size());
  for (const std::vector<TokenStats>& stats : of_paths) {
    rewards.push_back(token_rewards(stats, 1.0));
  }
  return rewards;
}

FrozenModels::FrozenModels(const LlamaEngineOptions& start, const std::string& reward_model)
    : engine_(start), start_(make_llama_engine(start)) {
  if (reward_model.empty()) {
    return;
  }
  refresh(reward_model);
  if (reward_->model().vocabulary != start_->model().vocabulary) {
    throw InvalidInput("[rl] " + reward_model + " has " + std::to_string(reward_->model().vocabulary) +
                       " tokens and the policy " + std::to_string(start_->model().vocabulary) +
                       ": it cannot read what the policy writes");
  }
}

void FrozenModels::refresh(const std::string& path) {
  engine_.model_path = path;
  reward_.reset();  // before the next one is there: two need twice the memory
  reward_ = make_llama_engine(engine_);
}

}  // namespace endorm
