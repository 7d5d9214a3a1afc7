#include "lab/token_mdp.h"

#include <cmath>
#include <functional>
#include <string>

#include "core/errors.h"

namespace endorm::lab {
namespace {

void require(bool holds, const std::string& fact) {
  if (!holds) {
    throw InvalidInput("[lab::check] " + fact);
  }
}

// Whether the probabilities of some choices are a distribution.
template <typename Choice, typename Probability = std::identity>
bool sum_to_one(std::span<const Choice> choices, Probability probability = {}) {
  double sum = 0.0;
  for (const Choice& choice : choices) {
    if (!(std::invoke(probability, choice) >= 0.0)) {
      return false;
    }
    sum += std::invoke(probability, choice);
  }
  return std::abs(sum - 1.0) <= 1e-12;
}

// Probabilities of n successors: uniform on the simplex.
std::vector<double> random_distribution(RandomStream& random, std::size_t n) {
  std::vector<double> weights(n);
  double sum = 0.0;
  for (double& weight : weights) {
    weight = -std::log1p(-random.uniform());
    sum += weight;
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

}  // namespace

Table TabularMdp::rewards() const {
  Table table;
  table.reserve(layers.size());
  for (const Layer& layer : layers) {
    table.push_back(layer.rewards);
  }
  return table;
}

Table TabularMdp::filled(double value) const {
  Table table;
  table.reserve(layers.size());
  for (const Layer& layer : layers) {
    table.emplace_back(layer.states * actions, value);
  }
  return table;
}

Table random_table(const TabularMdp& mdp, RandomStream& random, double scale) {
  return mapped(mdp.filled(0.0), [&](double) { return scale * random.normal(); });
}

Table plus(const Table& left, double scale, const Table& right) {
  Table sum = left;
  for (std::size_t h = 0; h < left.size(); ++h) {
    for (std::size_t i = 0; i < left[h].size(); ++i) {
      sum[h][i] += scale * right[h][i];
    }
  }
  return sum;
}

void check(const TabularMdp& mdp) {
  require(mdp.actions > 0 && mdp.branching > 0 && !mdp.layers.empty(),
          "actions, branching or horizon is 0; each must be at least 1");
  require(mdp.initial.size() == mdp.layers.front().states && sum_to_one(std::span(mdp.initial)),
          "initial must be a distribution over the states of the first step");
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    const Layer& layer = mdp.layers[h];
    const std::string step = "step " + std::to_string(h) + ": ";
    const bool last = h + 1 == mdp.horizon();
    require(layer.rewards.size() == layer.states * mdp.actions, step + "rewards must be [states * actions]");
    require(layer.successors.size() == (last ? 0 : layer.rewards.size() * mdp.branching),
            step + "successors must be [states * actions * branching], none at the last step");
    for (const Successor& next : layer.successors) {
      require(next.state < mdp.layers[h + 1].states, step + "a successor is outside the next step's states");
    }
    for (std::size_t pair = 0; !last && pair < layer.rewards.size(); ++pair) {
      require(sum_to_one(mdp.successors(h, pair), &Successor::probability),
              step + "the successors' probabilities must sum to 1");
    }
  }
}

TabularMdp random_tree(RandomStream& random, std::size_t actions, std::size_t horizon, double scale) {
  constexpr std::size_t kMostStates = 1'000'000;
  TabularMdp mdp;
  mdp.actions = actions;
  mdp.initial = {1.0};
  std::size_t states = 1;
  for (std::size_t h = 0; h < horizon; ++h) {
    if (states > kMostStates) {
      throw InvalidInput("[random_tree] " + std::to_string(actions) + " tokens and " + std::to_string(horizon) +
                         " steps make more than a million states; use random_features");
    }
    Layer& layer = mdp.layers.emplace_back();
    layer.states = states;
    states *= actions;
    layer.rewards.resize(states);
    for (double& reward : layer.rewards) {
      reward = scale * random.normal();
    }
    // The text s followed by token a is state s * V + a.
    for (std::size_t pair = 0; h + 1 < horizon && pair < states; ++pair) {
      layer.successors.push_back({pair, 1.0});
    }
  }
  check(mdp);
  return mdp;
}

TabularMdp random_features(RandomStream& random, const FeatureShape& shape, double scale) {
  TabularMdp mdp;
  mdp.actions = shape.actions;
  mdp.branching = shape.branching;
  mdp.initial = {1.0};
  std::vector<double> weights(shape.actions * shape.features);  // [V * F] w_a
  for (double& weight : weights) {
    weight = random.normal();
  }
  const double unit = scale / std::sqrt(static_cast<double>(shape.features));
  for (std::size_t h = 0; h < shape.horizon; ++h) {
    Layer& layer = mdp.layers.emplace_back();
    layer.states = h == 0 ? 1 : shape.states;
    for (std::size_t s = 0; s < layer.states; ++s) {
      std::vector<double> features(shape.features);
      for (double& feature : features) {
        feature = random.normal();
      }
      for (std::size_t a = 0; a < shape.actions; ++a) {
        double product = 0.0;
        for (std::size_t f = 0; f < shape.features; ++f) {
          product += weights[a * shape.features + f] * features[f];
        }
        layer.rewards.push_back(unit * product);
      }
    }
    for (std::size_t pair = 0; h + 1 < shape.horizon && pair < layer.rewards.size(); ++pair) {
      for (const double probability : random_distribution(random, shape.branching)) {
        layer.successors.push_back({random.below(shape.states), probability});
      }
    }
  }
  check(mdp);
  return mdp;
}

}  // namespace endorm::lab
