#include "lab/policies.h"

#include <cmath>

#include <doctest/doctest.h>

namespace endorm::lab {
namespace {

struct Expert {
  TabularMdp mdp;
  double alpha;
  Table log_policy;
};

Expert random_expert(RandomStream& random) {
  const TabularMdp mdp = random_tree(random, 2 + random.below(3), 2 + random.below(3), 1.0);
  const double alpha = 0.3 + 2.0 * random.uniform();
  return {mdp, alpha, soft_policy(soft_optimal(mdp, mdp.rewards(), alpha), mdp.actions, alpha)};
}

double worst_row_sum(const Table& policy, std::size_t actions) {
  double worst = 0.0;
  for (const auto& layer : exponentials(policy)) {
    for (std::size_t s = 0; s * actions < layer.size(); ++s) {
      double sum = 0.0;
      for (std::size_t a = 0; a < actions; ++a) {
        sum += layer[s * actions + a];
      }
      worst = std::max(worst, std::abs(sum - 1.0));
    }
  }
  return worst;
}

TEST_CASE("policies within eps are distributions whose largest log error is eps") {
  constexpr std::uint64_t kSeed = 611;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 50; ++round) {
    const Expert expert = random_expert(random);
    const double eps = std::pow(10.0, -3.0 * random.uniform());
    INFO("round ", round, ", eps ", eps);
    const Table drawn = random_within(expert.log_policy, expert.mdp.actions, eps, random);
    const Table worst = worst_within(expert.mdp, expert.mdp.rewards(), expert.log_policy, eps);
    for (const Table& policy : {drawn, worst}) {
      CHECK(worst_row_sum(policy, expert.mdp.actions) <= 1e-12);
      CHECK(largest_difference(policy, expert.log_policy) <= eps * (1.0 + 1e-10));
      CHECK(largest_difference(policy, expert.log_policy) >= eps * (1.0 - 1e-6));
    }
  }
}

TEST_CASE("no policy within eps earns less than the worst one") {
  constexpr std::uint64_t kSeed = 612;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 20; ++round) {
    const Expert expert = random_expert(random);
    const Table rewards = expert.mdp.rewards();
    const double worst =
        expected_return(expert.mdp, rewards, exponentials(worst_within(expert.mdp, rewards, expert.log_policy, 0.3)));
    CHECK(worst < expected_return(expert.mdp, rewards, exponentials(expert.log_policy)));
    for (int trial = 0; trial < 50; ++trial) {
      const Table drawn = random_within(expert.log_policy, expert.mdp.actions, 0.3, random);
      CHECK(worst <= expected_return(expert.mdp, rewards, exponentials(drawn)) + 1e-12);
    }
  }
}

TEST_CASE("maximum likelihood is the table of frequencies, and nothing is more likely") {
  constexpr std::uint64_t kSeed = 613;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  const Expert expert = random_expert(random);
  const Table policy = exponentials(expert.log_policy);
  const std::vector<Trajectory> data = sampled_trajectories(expert.mdp, policy, 400, random);
  const Table fitted = maximum_likelihood(expert.mdp, data, 0.0);
  CHECK(worst_row_sum(fitted, expert.mdp.actions) <= 1e-12);
  const auto log_likelihood = [&](const Table& log_policy) {
    double sum = 0.0;
    for (const Trajectory& path : data) {
      sum += along(path, log_policy, expert.mdp.actions);
    }
    return sum;
  };
  CHECK(log_likelihood(fitted) >= log_likelihood(expert.log_policy));
  for (int trial = 0; trial < 50; ++trial) {
    CHECK(log_likelihood(fitted) >= log_likelihood(random_within(fitted, expert.mdp.actions, 0.05, random)));
  }
  const Table unseen = maximum_likelihood(expert.mdp, {}, 0.0);
  CHECK(unseen[0][0] == doctest::Approx(-std::log(static_cast<double>(expert.mdp.actions))));
}

}  // namespace
}  // namespace endorm::lab
