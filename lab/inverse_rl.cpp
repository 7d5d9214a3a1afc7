#include "lab/inverse_rl.h"

#include <cmath>
#include <utility>

#include "lab/policies.h"

namespace endorm::lab {
namespace {

// visits(data) - visits(soft-optimal policy of the rewards).
Table gradient_at(const TabularMdp& mdp, const Table& data_visits, const Table& rewards, double alpha) {
  return plus(data_visits, -1.0, visits(mdp, exponentials(soft_optimal_policy(mdp, rewards, alpha))));
}

}  // namespace

double expectation(const Table& data_visits, const Table& table) {
  double sum = 0.0;
  for (std::size_t h = 0; h < table.size(); ++h) {
    for (std::size_t i = 0; i < table[h].size(); ++i) {
      sum += data_visits[h][i] == 0.0 ? 0.0 : data_visits[h][i] * table[h][i];
    }
  }
  return sum;
}

double offline_objective(const TabularMdp& mdp, const Table& data_visits, const Table& rewards, double alpha) {
  const StateTable values = soft_values(soft_optimal(mdp, rewards, alpha), mdp.actions, alpha);
  double objective = expectation(data_visits, rewards);
  for (std::size_t s = 0; s < mdp.initial.size(); ++s) {
    objective -= mdp.initial[s] * values[0][s];
  }
  return objective;
}

Ascent ascend(const TabularMdp& mdp, const Table& data_visits, double alpha, const Table& start, double tolerance,
              std::size_t most_steps) {
  const double step = alpha / static_cast<double>(mdp.horizon());
  Ascent ascent;
  ascent.rewards = start;
  const Table zero = mdp.filled(0.0);
  Table ahead = start;
  double momentum = 1.0;
  for (;;) {
    const Table gradient = gradient_at(mdp, data_visits, ahead, alpha);
    ascent.gradient = largest_difference(gradient, zero);
    if (ascent.gradient <= tolerance || ascent.steps == most_steps) {
      break;
    }
    ++ascent.steps;
    Table next = plus(ahead, step, gradient);
    const Table moved = plus(next, -1.0, ascent.rewards);
    ascent.rewards = std::move(next);
    if (expectation(gradient, moved) < 0.0) {
      momentum = 1.0;
      ahead = ascent.rewards;
      continue;
    }
    const double following = 0.5 * (1.0 + std::sqrt(1.0 + 4.0 * momentum * momentum));
    ahead = plus(ascent.rewards, (momentum - 1.0) / following, moved);
    momentum = following;
  }
  ascent.rewards = std::move(ahead);
  ascent.objective = offline_objective(mdp, data_visits, ascent.rewards, alpha);
  return ascent;
}

}  // namespace endorm::lab
