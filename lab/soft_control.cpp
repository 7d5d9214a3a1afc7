#include "lab/soft_control.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "core/log_sum_exp.h"

namespace endorm::lab {
namespace {

using Row = std::span<const double>;

Row row_of(const Table& table, std::size_t h, std::size_t s, std::size_t actions) {
  return Row(table[h]).subspan(s * actions, actions);
}

// E over s' of the next step's state table; 0 after the last step.
double expected_next(const TabularMdp& mdp, const StateTable& values, std::size_t h, std::size_t s, std::size_t a) {
  if (h + 1 == mdp.horizon()) {
    return 0.0;
  }
  const Successor* next = mdp.successors(h, s, a);
  double sum = 0.0;
  for (std::size_t b = 0; b < mdp.branching; ++b) {
    sum += next[b].probability * values[h + 1][next[b].state];
  }
  return sum;
}

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

std::size_t drawn(std::span<const double> probabilities, RandomStream& random) {
  double left = random.uniform();
  for (std::size_t i = 0; i + 1 < probabilities.size(); ++i) {
    left -= probabilities[i];
    if (left < 0.0) {
      return i;
    }
  }
  return probabilities.size() - 1;
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

Solution backward(const TabularMdp& mdp, const Table& rewards, double gamma, const StateValue& value_of) {
  Solution solved;
  solved.q = rewards;
  solved.values.resize(mdp.horizon());
  for (std::size_t h = mdp.horizon(); h-- > 0;) {
    const std::size_t states = mdp.layers[h].states;
    solved.values[h].resize(states);
    for (std::size_t s = 0; s < states; ++s) {
      for (std::size_t a = 0; a < mdp.actions; ++a) {
        solved.q[h][s * mdp.actions + a] += gamma * expected_next(mdp, solved.values, h, s, a);
      }
      solved.values[h][s] = value_of(h, s, row_of(solved.q, h, s, mdp.actions));
    }
  }
  return solved;
}

StateTable soft_values(const Table& q, std::size_t actions, double alpha) {
  StateTable values = log_sum_exps(q, actions, alpha);
  for (auto& layer : values) {
    for (double& value : layer) {
      value *= alpha;
    }
  }
  return values;
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

double inverse_soft_bellman(double q, const NextState& next) { return q - next.gamma * next.alpha * next.log_sum_exp; }

Table endogenous_reward(const TabularMdp& mdp, const Table& q, double alpha, double gamma, RewardRule rule) {
  const StateTable sums = log_sum_exps(q, mdp.actions, alpha);
  Table rewards = q;
  for (std::size_t h = 0; h < q.size(); ++h) {
    for (std::size_t s = 0; s < mdp.layers[h].states; ++s) {
      for (std::size_t a = 0; a < mdp.actions; ++a) {
        double& reward = rewards[h][s * mdp.actions + a];
        reward = rule(reward, {.log_sum_exp = expected_next(mdp, sums, h, s, a), .alpha = alpha, .gamma = gamma});
      }
    }
  }
  return rewards;
}

Table exponentials(const Table& log_probs) {
  Table probabilities = log_probs;
  for (auto& layer : probabilities) {
    for (double& entry : layer) {
      entry = std::exp(entry);
    }
  }
  return probabilities;
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
    const bool last = h + 1 == mdp.horizon();
    std::vector<double> following(last ? 0 : mdp.layers[h + 1].states, 0.0);
    for (std::size_t i = 0; i < counts[h].size(); ++i) {
      counts[h][i] = at[i / mdp.actions] * policy[h][i];
      for (std::size_t b = 0; !last && b < mdp.branching; ++b) {
        const Successor& next = mdp.layers[h].successors[i * mdp.branching + b];
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
      } else {
        const Successor* next = mdp.successors(h, state, a);
        const double dynamics = path.dynamics;
        for (std::size_t b = 0; b < mdp.branching; ++b) {
          path.dynamics = dynamics * next[b].probability;
          extend(next[b].state);
        }
        path.dynamics = dynamics;
      }
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
  std::size_t state = drawn(mdp.initial, random);
  path.dynamics = mdp.initial[state];
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    const std::size_t action = drawn(row_of(policy, h, state, mdp.actions), random);
    path.states.push_back(state);
    path.actions.push_back(action);
    if (h + 1 == mdp.horizon()) {
      break;
    }
    const Successor* next = mdp.successors(h, state, action);
    std::vector<double> probabilities;
    probabilities.reserve(mdp.branching);
    for (std::size_t b = 0; b < mdp.branching; ++b) {
      probabilities.push_back(next[b].probability);
    }
    const std::size_t branch = drawn(probabilities, random);
    path.dynamics *= next[branch].probability;
    state = next[branch].state;
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
