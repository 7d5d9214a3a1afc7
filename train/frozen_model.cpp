#include "train/frozen_model.h"

#include "engine/llama_engine.h"

namespace endorm {

FrozenModel::FrozenModel(const LlamaEngineOptions& options) : engine_(make_llama_engine(options)) {}
FrozenModel::~FrozenModel() = default;
FrozenModel::FrozenModel(FrozenModel&&) noexcept = default;
FrozenModel& FrozenModel::operator=(FrozenModel&&) noexcept = default;

std::size_t FrozenModel::vocabulary() const { return engine_->model_info().vocabulary; }
Engine& FrozenModel::engine() const { return *engine_; }

std::vector<std::vector<TokenReward>> FrozenModel::read(std::span<const ResponseTokens> responses, double alpha) const {
  TokenTree tree;
  std::vector<std::vector<std::size_t>> nodes;
  for (const ResponseTokens& response : responses) {
    nodes.push_back(tree.insert(response.prompt, response.response));
  }
  // Statistics come for scored nodes alone, in node order.
  std::vector<std::size_t> place(tree.nodes().size());
  std::size_t scored = 0;
  for (std::size_t node = 0; node < place.size(); ++node) {
    place[node] = scored;
    scored += tree.nodes()[node].scored ? 1 : 0;
  }
  const std::vector<TokenStats> stats = engine_->evaluate(tree, {.alpha = alpha});
  std::vector<std::vector<TokenReward>> rewards;
  for (const std::vector<std::size_t>& path : nodes) {
    std::vector<TokenStats> own;
    for (const std::size_t node : path) {
      own.push_back(stats[place[node]]);
    }
    rewards.push_back(token_rewards(own, alpha));
  }
  return rewards;
}

}  // namespace endorm
