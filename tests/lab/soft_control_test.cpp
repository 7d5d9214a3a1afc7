// Exact control against brute force: every trajectory of a small problem, summed.
#include "lab/soft_control.h"

#include <cmath>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/reward.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

constexpr double kTolerance = 1e-12;

// A tree, shared states, and drawn successors, in turn.
TabularMdp problem_of(RandomStream& random, int round) {
  const std::size_t actions = 2 + random.below(3);
  const std::size_t horizon = 2 + random.below(3);
  if (round % 3 == 0) {
    return random_tree(random, actions, horizon, 1.0);
  }
  const FeatureShape shape{.actions = actions, .horizon = horizon, .branching = round % 3 == 1 ? 1U : 2U};
  return random_features(random, shape, 1.0);
}

TEST_CASE("soft value iteration, evaluation and visits agree with the sum over all trajectories") {
  constexpr std::uint64_t kSeed = 601;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 60; ++round) {
    INFO("round ", round);
    const TabularMdp mdp = problem_of(random, round);
    const double alpha = 0.3 + 2.0 * random.uniform();
    const double gamma = round % 2 == 0 ? 1.0 : 0.5 + 0.5 * random.uniform();
    const Table q = soft_optimal(mdp, mdp.rewards(), alpha, gamma);
    const Table log_policy = soft_policy(q, mdp.actions, alpha);
    const Table policy = exponentials(log_policy);
    const std::vector<Trajectory> all = all_trajectories(mdp);

    double mass = 0.0;
    double mean_return = 0.0;
    Table counted = mdp.filled(0.0);
    for (const Trajectory& path : all) {
      const double probability = path.dynamics * std::exp(along(path, log_policy, mdp.actions));
      mass += probability;
      mean_return += probability * along(path, mdp.rewards(), mdp.actions, gamma);
      for (std::size_t h = 0; h < mdp.horizon(); ++h) {
        counted[h][path.states[h] * mdp.actions + path.actions[h]] += probability;
      }
    }
    CHECK(std::abs(mass - 1.0) <= kTolerance);
    CHECK(std::abs(expected_return(mdp, mdp.rewards(), policy, gamma) - mean_return) <= kTolerance);
    CHECK(largest_difference(visits(mdp, policy), counted) <= kTolerance);

    if (mdp.branching > 1 || gamma < 1.0) {
      continue;
    }
    // V(s_1) = alpha log sum over trajectories of exp(R / alpha), and the policy is their softmax.
    std::vector<double> returns;
    returns.reserve(all.size());
    for (const Trajectory& path : all) {
      returns.push_back(along(path, mdp.rewards(), mdp.actions));
    }
    const double value = alpha * row_statistics(std::span<const double>(returns), alpha).log_sum_exp;
    CHECK(std::abs(soft_values(q, mdp.actions, alpha)[0][0] - value) <= kTolerance);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(std::abs(along(all[i], log_policy, mdp.actions) - (returns[i] - value) / alpha) <= 1e-11);
    }
  }
}

TEST_CASE("the greedy policy earns what the best trajectory does, and no soft policy earns more") {
  constexpr std::uint64_t kSeed = 602;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 60; ++round) {
    INFO("round ", round);
    const TabularMdp mdp = problem_of(random, round);
    const Table rewards = mdp.rewards();
    const double best = expected_return(mdp, rewards, greedy_policy(mdp, rewards));
    const Table soft = exponentials(soft_policy(soft_optimal(mdp, rewards, 0.5), mdp.actions, 0.5));
    CHECK(best >= expected_return(mdp, rewards, soft) - kTolerance);
    if (mdp.branching > 1) {
      continue;
    }
    double largest = -INFINITY;
    for (const Trajectory& path : all_trajectories(mdp)) {
      largest = std::max(largest, along(path, rewards, mdp.actions));
    }
    CHECK(std::abs(best - largest) <= kTolerance);
  }
}

TEST_CASE("the endogenous reward of the soft-optimal logits is the true reward, and core's along a text") {
  constexpr std::uint64_t kSeed = 603;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 60; ++round) {
    INFO("round ", round);
    const TabularMdp mdp = problem_of(random, round);
    const double alpha = 0.3 + 2.0 * random.uniform();
    const double gamma = round % 2 == 0 ? 1.0 : 0.5 + 0.5 * random.uniform();
    const Table q = soft_optimal(mdp, mdp.rewards(), alpha, gamma);
    const Table endogenous = endogenous_reward(mdp, q, alpha, gamma);
    CHECK(largest_difference(endogenous, mdp.rewards()) <= kTolerance);
    if (gamma < 1.0 || mdp.branching > 1) {
      continue;
    }
    const Trajectory path = sampled_trajectory(mdp, exponentials(soft_policy(q, mdp.actions, alpha)), random);
    const StateTable values = soft_values(q, mdp.actions, alpha);
    std::vector<TokenStats> stats;
    stats.reserve(mdp.horizon());
    for (std::size_t h = 0; h < mdp.horizon(); ++h) {
      stats.push_back(
          {q[h][path.states[h] * mdp.actions + path.actions[h]], values[h][path.states[h]] / alpha, {}, {}});
    }
    double sum = 0.0;
    for (const TokenReward& token : token_rewards(stats, alpha)) {
      sum += token.reward;
    }
    CHECK(std::abs(sum - along(path, endogenous, mdp.actions)) <= 1e-11);
  }
}

TEST_CASE("problems that cannot be are refused") {
  RandomStream random(604);
  CHECK_THROWS_AS(random_tree(random, 8, 12, 1.0), InvalidInput);
  TabularMdp mdp = random_tree(random, 2, 2, 1.0);
  mdp.layers[0].successors[0].state = 2;
  CHECK_THROWS_WITH_AS(check(mdp), doctest::Contains("outside the next step"), InvalidInput);
  mdp = random_tree(random, 2, 2, 1.0);
  mdp.layers[0].successors[0].probability = 0.5;
  CHECK_THROWS_WITH_AS(check(mdp), doctest::Contains("sum to 1"), InvalidInput);
  mdp = random_tree(random, 2, 2, 1.0);
  mdp.initial = {0.5};
  CHECK_THROWS_AS(check(mdp), InvalidInput);
}

}  // namespace
}  // namespace endorm::lab
