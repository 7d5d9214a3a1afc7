#include "lab/policies.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/log_sum_exp.h"

namespace endorm::lab {
namespace {

// log pi + t u - log Z.
std::vector<double> moved(std::span<const double> log_probs, std::span<const double> direction, double t) {
  std::vector<double> row(log_probs.begin(), log_probs.end());
  for (std::size_t a = 0; a < row.size(); ++a) {
    row[a] += t * direction[a];
  }
  const double log_normaliser = row_statistics(std::span<const double>(row)).log_sum_exp;
  for (double& entry : row) {
    entry -= log_normaliser;
  }
  return row;
}

// The larger of the two; a NaN stays.
double larger(double largest, double difference) {
  return std::isnan(difference) || difference > largest ? difference : largest;
}

double largest_difference(std::span<const double> left, std::span<const double> right) {
  double largest = 0.0;
  for (std::size_t a = 0; a < left.size(); ++a) {
    largest = larger(largest, std::abs(left[a] - right[a]));
  }
  return largest;
}

void replace_row(Table& table, std::size_t h, std::size_t s, const std::vector<double>& row) {
  std::copy(row.begin(), row.end(), table[h].begin() + static_cast<std::ptrdiff_t>(s * row.size()));
}

}  // namespace

double largest_difference(const Table& left, const Table& right) {
  double largest = 0.0;
  for (std::size_t h = 0; h < left.size(); ++h) {
    largest = larger(largest, largest_difference(std::span(left[h]), std::span(right[h])));
  }
  return largest;
}

Table logits_of(const Table& log_policy, std::size_t actions, double alpha, double shift, RandomStream& random) {
  return with_rows(log_policy, actions, [&](std::span<double> row) {
    const double constant = shift * random.normal();
    for (double& entry : row) {
      entry = alpha * entry + constant;
    }
  });
}

Table random_within(const Table& expert, std::size_t actions, double eps, RandomStream& random) {
  return with_rows(expert, actions, [&](std::span<double> row) {
    std::vector<double> direction(actions);
    for (double& entry : direction) {
      entry = 2.0 * random.uniform() - 1.0;
    }
    // The error grows with t: double it until it is too large, then halve the interval.
    const auto error = [&](double t) {
      return largest_difference(std::span<const double>(moved(row, direction, t)), row);
    };
    double low = 0.0;
    double high = eps;
    while (error(high) < eps && high < 1e6 * eps) {
      high *= 2.0;
    }
    while (high - low > 1e-9 * high) {
      const double middle = 0.5 * (low + high);
      (error(middle) <= eps ? low : high) = middle;
    }
    std::ranges::copy(moved(row, direction, low), row.begin());
  });
}

std::vector<double> tilted(std::span<const double> log_probs, std::span<const double> weights, double eps) {
  std::vector<std::size_t> order(log_probs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  // All tokens at e^-eps times their probability leave 1 - e^-eps to give away, best token first.
  std::vector<double> row(log_probs.begin(), log_probs.end());
  for (double& entry : row) {
    entry -= eps;
  }
  double spare = -std::expm1(-eps);
  for (const std::size_t a : order) {
    const double cost = std::exp(log_probs[a]) * 2.0 * std::sinh(eps);
    if (cost <= spare) {
      row[a] = log_probs[a] + eps;
      spare -= cost;
      continue;
    }
    row[a] = std::min(std::log(std::exp(row[a]) + spare), log_probs[a] + eps);
    break;
  }
  return row;
}

Table worst_within(const TabularMdp& mdp, const Table& rewards, const Table& expert, double eps, double gamma) {
  Table policy = expert;
  backward(mdp, rewards, gamma, [&](std::size_t h, std::size_t s, std::span<const double> q) {
    std::vector<double> cost(q.begin(), q.end());
    for (double& entry : cost) {
      entry = -entry;
    }
    const std::vector<double> row = tilted(row_of(expert, h, s, mdp.actions), cost, eps);
    replace_row(policy, h, s, row);
    double value = 0.0;
    for (std::size_t a = 0; a < q.size(); ++a) {
      value += std::exp(row[a]) * q[a];
    }
    return value;
  });
  return policy;
}

Table pulled_apart(const Table& expert, std::size_t actions, double eps, const Trajectory& raised,
                   const Trajectory& lowered) {
  Table policy = expert;
  for (std::size_t h = 0; h < expert.size(); ++h) {
    const auto pull = [&](std::size_t s) {
      std::vector<double> weights(actions, 0.0);
      if (raised.states[h] == s) {
        weights[raised.actions[h]] += 1.0;
      }
      if (lowered.states[h] == s) {
        weights[lowered.actions[h]] -= 1.0;
      }
      // A token that both take moves nothing, and the row stays.
      if (std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0.0; })) {
        return;
      }
      replace_row(policy, h, s, tilted(row_of(expert, h, s, actions), weights, eps));
    };
    pull(raised.states[h]);
    pull(lowered.states[h]);
  }
  return policy;
}

Table maximum_likelihood(const TabularMdp& mdp, std::span<const Trajectory> data, double pseudo_count) {
  return likelihood_optimum(visit_counts(mdp, data, pseudo_count, 1.0), mdp.actions);
}

Table likelihood_optimum(Table visits, std::size_t actions) {
  return with_rows(std::move(visits), actions, [&](std::span<double> row) {
    const double seen = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& count : row) {
      count = seen > 0.0 ? std::log(count / seen) : -std::log(static_cast<double>(actions));
    }
  });
}

Table visit_counts(const TabularMdp& mdp, std::span<const Trajectory> data, double begin, double each) {
  Table table = mdp.filled(begin);
  for (const Trajectory& path : data) {
    for (std::size_t h = 0; h < mdp.horizon(); ++h) {
      table[h][path.states[h] * mdp.actions + path.actions[h]] += each;
    }
  }
  return table;
}

}  // namespace endorm::lab
