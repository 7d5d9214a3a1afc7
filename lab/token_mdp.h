#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "core/random.h"

namespace endorm::lab {

// A number for each action of each state: table[h][s * V + a], h = 0 .. H - 1 steps, V actions. Logits, rewards,
// probabilities, log probabilities and visits all have this shape.
using Table = std::vector<std::vector<double>>;
// A number for each state: table[h][s]. What follows the last step is worth 0 and has no entry.
using StateTable = std::vector<std::vector<double>>;

struct Successor {
  std::size_t state = 0;
  double probability = 1.0;
};

struct Layer {
  std::size_t states = 0;
  std::vector<double> rewards;        // [S * V] r(s, a)
  std::vector<Successor> successors;  // [S * V * branching] in the next layer; empty in the last one
};

// A problem of H steps whose states are known exactly. With branching 1 the next state follows from state and token, as
// in text: a token MDP (arXiv:2506.23235). Otherwise the next state is drawn.
struct TabularMdp {
  std::size_t actions = 0;      // V
  std::size_t branching = 1;    // successors of a state and action
  std::vector<double> initial;  // [S_1] probability of each first state: the prompts
  std::vector<Layer> layers;    // [H]

  std::size_t horizon() const { return layers.size(); }
  // The successors at step h of a pair, s * V + a [branching]; none at the last step.
  std::span<const Successor> successors(std::size_t h, std::size_t pair) const {
    const std::span<const Successor> all = layers[h].successors;
    return all.empty() ? all : all.subspan(pair * branching, branching);
  }
  Table rewards() const;
  // A table of this problem's shape, all `value`.
  Table filled(double value) const;
};

// The entries of a state [V].
inline std::span<const double> row_of(const Table& table, std::size_t h, std::size_t s, std::size_t actions) {
  return std::span(table[h]).subspan(s * actions, actions);
}
// f(entry) in the place of every entry, in order.
template <typename Function>
Table mapped(Table table, const Function& f) {
  for (auto& layer : table) {
    std::transform(layer.begin(), layer.end(), layer.begin(), f);
  }
  return table;
}
// f(row) of every state's entries [V], which it may change, in order.
template <typename Function>
Table with_rows(Table table, std::size_t actions, const Function& f) {
  for (auto& layer : table) {
    for (std::size_t begin = 0; begin < layer.size(); begin += actions) {
      f(std::span(layer).subspan(begin, actions));
    }
  }
  return table;
}

// A table of the problem's shape, normal entries times scale.
Table random_table(const TabularMdp& mdp, RandomStream& random, double scale);
// left + scale * right, entry by entry.
Table plus(const Table& left, double scale, const Table& right);

// Throws InvalidInput where actions or horizon is 0, a layer's vectors have another size, a successor is outside its
// layer, or probabilities are negative or do not sum to 1 within 1e-12.
void check(const TabularMdp& mdp);

// Every text is a state of its own: V^h states after h tokens. Rewards are normal, times scale. Throws InvalidInput
// where there would be more than a million states.
TabularMdp random_tree(RandomStream& random, std::size_t actions, std::size_t horizon, double scale);

// A few states a step, each with random features phi(s) [F] that rewards are linear in: r(s, a) = scale * w_a . phi(s)
// / sqrt(F). Successors are random and, with branching 1, fixed: texts share their states, so horizons can be long.
struct FeatureShape {
  std::size_t actions = 2;
  std::size_t horizon = 2;
  std::size_t states = 4;
  std::size_t features = 3;
  std::size_t branching = 1;
};
TabularMdp random_features(RandomStream& random, const FeatureShape& shape, double scale);

}  // namespace endorm::lab
