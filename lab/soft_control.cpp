#include "lab/soft_control.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "core/log_sum_exp.h"

namespace endorm::lab {
namespace {

using Row = std::span<const double>;

Solution evaluated(const TabularMdp& mdp, const Table& rewards, const Table& policy, double gamma) {
  return backward(mdp, rewards, gamma, [&](std::size_t h, std::size_t s, Row q) {
    const Row probabilities = row_of(policy, h, s, mdp.actions);
    double value = 0.0;
    for (std::size_t a = 0; a < q.size(); ++a) {
      value += probabilities[a] * q[a];
    }
    return value;
  });
}

StateTable log_sum_exps(const Table& q, std::size_t actions, double alpha) {
  StateTable sums(q.size());
  for (std::size_t h = 0; h < q.size(); ++h) {
    for (std::size_t s = 0; s * actions < q[h].size(); ++s) {
      sums[h].push_back(row_statistics(row_of(q, h, s, actions), alpha).log_sum_exp);
    }
  }
  return sums;
}

// One of some choices, by their probabilities.
template <typename Choice, typename Probability = std::identity>
std::size_t drawn(std::span<const Choice> choices, RandomStream& random, Probability probability = {}) {
  double left = random.uniform();
  for (std::size_t i = 0; i + 1 < choices.size(); ++i) {
    left -= std::invoke(probability, choices[i]);
    if (left < 0.0) {
      return i;
    }
  }
  return choices.size() - 1;
}

}  // namespace

double effective_horizon(std::size_t horizon, double gamma) {
  double sum = 0.0;
  double weight = 1.0;
  for (std::size_t h = 0; h < horizon; ++h) {
    sum += weight;
    weight *= gamma;
  }
  return sum;
}

double expected_next(const TabularMdp& mdp, const StateTable& values, std::size_t h, std::size_t pair) {
  double sum = 0.0;
  for (const Successor& next : mdp.successors(h, pair)) {
    sum += next.probability * values[h + 1][next.state];
  }
  return sum;
}

Solution backward(const TabularMdp& mdp, const Table& rewards, double gamma, const StateValue& value_of) {
  Solution solved;
  solved.q = rewards;
  solved.values.resize(mdp.horizon());
  for (std::size_t h = mdp.horizon(); h-- > 0;) {
    const std::size_t states = mdp.layers[h].states;
    solved.values[h].resize(states);
    for (std::size_t s = 0; s < states; ++s) {
      for (std::size_t pair = s * mdp.actions; pair < (s + 1) * mdp.actions; ++pair) {
        solved.q[h][pair] += gamma * expected_next(mdp, solved.values, h, pair);
      }
      solved.values[h][s] = value_of(h, s, row_of(solved.q, h, s, mdp.actions));
    }
  }
  return solved;
}

StateTable soft_values(const Table& q, std::size_t actions, double alpha) {
  return mapped(log_sum_exps(q, actions, alpha), [&](double sum) { return sum * alpha; });
}

Table soft_policy(const Table& q, std::size_t actions, double alpha) {
  const StateTable values = soft_values(q, actions, alpha);
  Table log_probs = q;
  for (std::size_t h = 0; h < q.size(); ++h) {
    for (std::size_t i = 0; i < q[h].size(); ++i) {
      log_probs[h][i] = (q[h][i] - values[h][i / actions]) / alpha;
    }
  }
  return log_probs;
}

Table soft_optimal(const TabularMdp& mdp, const Table& rewards, double alpha, double gamma) {
  return backward(mdp, rewards, gamma,
                  [&](std::size_t, std::size_t, Row q) { return alpha * row_statistics(q, alpha).log_sum_exp; })
      .q;
}

Table soft_optimal_policy(const TabularMdp& mdp, const Table& rewards, double alpha, double gamma) {
  return soft_policy(soft_optimal(mdp, rewards, alpha, gamma), mdp.actions, alpha);
}

double inverse_soft_bellman(double q, const NextState& next) { return q - next.gamma * next.alpha * next.log_sum_exp; }

Table endogenous_reward(const TabularMdp& mdp, const Table& q, double alpha, double gamma, RewardRule rule) {
  const StateTable sums = log_sum_exps(q, mdp.actions, alpha);
  Table rewards = q;
  for (std::size_t h = 0; h < q.size(); ++h) {
    for (std::size_t pair = 0; pair < q[h].size(); ++pair) {
      rewards[h][pair] =
          rule(q[h][pair], {.log_sum_exp = expected_next(mdp, sums, h, pair), .alpha = alpha, .gamma = gamma});
    }
  }
  return rewards;
}

Table exponentials(const Table& log_probs) {
  return mapped(log_probs, [](double log_prob) { return std::exp(log_prob); });
}

Table greedy_policy(const TabularMdp& mdp, const Table& rewards, double gamma) {
  Table policy = mdp.filled(0.0);
  backward(mdp, rewards, gamma, [&](std::size_t h, std::size_t s, Row q) {
    const auto best = std::max_element(q.begin(), q.end());
    policy[h][s * mdp.actions + static_cast<std::size_t>(best - q.begin())] = 1.0;
    return *best;
  });
  return policy;
}

Table action_values(const TabularMdp& mdp, const Table& rewards, const Table& policy, double gamma) {
  return evaluated(mdp, rewards, policy, gamma).q;
}

double expected_return(const TabularMdp& mdp, const Table& rewards, const Table& policy, double gamma) {
  const StateTable values = evaluated(mdp, rewards, policy, gamma).values;
  double sum = 0.0;
  for (std::size_t s = 0; s < mdp.initial.size(); ++s) {
    sum += mdp.initial[s] * values[0][s];
  }
  return sum;
}

Table visits(const TabularMdp& mdp, const Table& policy) {
  Table counts = mdp.filled(0.0);
  std::vector<double> at = mdp.initial;  // [S_h] probability of each state
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    std::vector<double> following(h + 1 == mdp.horizon() ? 0 : mdp.layers[h + 1].states, 0.0);
    for (std::size_t i = 0; i < counts[h].size(); ++i) {
      counts[h][i] = at[i / mdp.actions] * policy[h][i];
      for (const Successor& next : mdp.successors(h, i)) {
        following[next.state] += counts[h][i] * next.probability;
      }
    }
    at = std::move(following);
  }
  return counts;
}

std::vector<Trajectory> all_trajectories(const TabularMdp& mdp) {
  constexpr std::size_t kMost = 1'000'000;
  std::vector<Trajectory> whole;
  Trajectory path;
  const std::function<void(std::size_t)> extend = [&](std::size_t state) {
    const std::size_t h = path.actions.size();
    path.states.push_back(state);
    for (std::size_t a = 0; a < mdp.actions; ++a) {
      path.actions.push_back(a);
      if (h + 1 == mdp.horizon()) {
        if (whole.size() == kMost) {
          throw InvalidInput("[all_trajectories] the problem has more than a million; make it smaller");
        }
        whole.push_back(path);
      }
      const double dynamics = path.dynamics;
      for (const Successor& next : mdp.successors(h, state * mdp.actions + a)) {
        path.dynamics = dynamics * next.probability;
        extend(next.state);
      }
      path.dynamics = dynamics;
      path.actions.pop_back();
    }
    path.states.pop_back();
  };
  for (std::size_t s = 0; s < mdp.initial.size(); ++s) {
    path.dynamics = mdp.initial[s];
    extend(s);
  }
  return whole;
}

Trajectory sampled_trajectory(const TabularMdp& mdp, const Table& policy, RandomStream& random) {
  Trajectory path;
  std::size_t state = drawn(std::span(mdp.initial), random);
  path.dynamics = mdp.initial[state];
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    const std::size_t action = drawn(row_of(policy, h, state, mdp.actions), random);
    path.states.push_back(state);
    path.actions.push_back(action);
    if (const auto next = mdp.successors(h, state * mdp.actions + action); !next.empty()) {
      const Successor& taken = next[drawn(next, random, &Successor::probability)];
      path.dynamics *= taken.probability;
      state = taken.state;
    }
  }
  return path;
}

std::vector<Trajectory> sampled_trajectories(const TabularMdp& mdp, const Table& policy, std::size_t n,
                                             RandomStream& random) {
  std::vector<Trajectory> paths;
  paths.reserve(n);
  while (paths.size() < n) {
    paths.push_back(sampled_trajectory(mdp, policy, random));
  }
  return paths;
}

double along(const Trajectory& trajectory, const Table& table, std::size_t actions, double gamma) {
  double sum = 0.0;
  double weight = 1.0;
  for (std::size_t h = 0; h < trajectory.actions.size(); ++h) {
    sum += weight * table[h][trajectory.states[h] * actions + trajectory.actions[h]];
    weight *= gamma;
  }
  return sum;
}

}  // namespace endorm::lab
