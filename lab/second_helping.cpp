// No free second helping: reinforcement learning on the endogenous reward at the same temperature gives the policy and
// the reward that were there before.
#include <algorithm>
#include <cmath>

#include "core/aggregate.h"
#include "core/reward.h"
#include "lab/claims.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

struct Problem {
  TabularMdp mdp;
  double alpha;
  double gamma;
  Table logits;  // of a model: anything
};

Problem random_problem(RandomStream& random, std::size_t round) {
  const FeatureShape shape{
      .actions = 2 + random.below(7), .horizon = 2 + random.below(11), .states = 6, .branching = 1 + round % 2};
  Problem problem{random_features(random, shape, 1.0),
                  0.3 + 2.0 * random.uniform(),
                  round % 4 < 2 ? 1.0 : 0.5 + 0.5 * random.uniform(),
                  {}};
  problem.logits = random_table(problem.mdp, random, 2.0);
  return problem;
}

std::vector<Finding> iterated(const ClaimOptions& options) {
  RandomStream random(options.seed);
  const std::size_t problems = options.problems(1000);
  double policy_moved = 0.0;
  double reward_moved = 0.0;
  double colder_moved = 0.0;
  double colder_reward_moved = 0.0;
  for (std::size_t round = 0; round < problems; ++round) {
    const Problem problem = random_problem(random, round);
    const auto& [mdp, alpha, gamma, logits] = problem;
    const Table policy = soft_policy(logits, mdp.actions, alpha);
    const Table rewards = endogenous_reward(mdp, logits, alpha, gamma, options.rule);
    Table iterated_rewards = rewards;
    for (int iteration = 0; iteration < 3; ++iteration) {
      const Table learned = soft_optimal(mdp, iterated_rewards, alpha, gamma);
      policy_moved = std::max(policy_moved, largest_difference(policy, soft_policy(learned, mdp.actions, alpha)));
      iterated_rewards = endogenous_reward(mdp, learned, alpha, gamma, options.rule);
      reward_moved = std::max(reward_moved, largest_difference(rewards, iterated_rewards));
    }
    const double colder = 0.5 * alpha;
    const Table learned = soft_optimal(mdp, rewards, colder, gamma);
    colder_moved = std::max(colder_moved, largest_difference(policy, soft_policy(learned, mdp.actions, colder)));
    colder_reward_moved = std::max(
        colder_reward_moved, largest_difference(rewards, endogenous_reward(mdp, learned, colder, gamma, options.rule)));
  }
  const std::string over =
      std::to_string(problems) + " problems, tokens and drawn successors, with and without discount, three iterations";
  return {at_most("Entropy-regularised RL on the endogenous reward at the same alpha returns the same policy",
                  policy_moved, 1e-12, "largest difference of log probabilities, nats: " + over),
          at_most("The endogenous reward of that policy is the same reward again", reward_moved, 1e-12,
                  "largest difference: " + over),
          at_least("RL at another temperature (alpha / 2) does move the policy", colder_moved, 0.1,
                   "largest difference of log probabilities, nats"),
          at_most("and its reward, read at that temperature, is still the same one", colder_reward_moved, 1e-12,
                  "largest difference")};
}

// sum_h gamma^(h-1) (Q - gamma V') = alpha sum_h gamma^(h-1) log pi + V(s_1), by the table and by core's aggregation.
std::vector<Finding> discounted(const ClaimOptions& options) {
  RandomStream random(options.seed + 1);
  const std::size_t problems = options.problems(2000);
  double by_table = 0.0;
  double by_core = 0.0;
  for (std::size_t round = 0; round < problems; ++round) {
    Problem problem = random_problem(random, 2 * round);  // tokens
    const auto& [mdp, alpha, unused, logits] = problem;
    const double gamma = random.uniform();
    const Table log_policy = soft_policy(logits, mdp.actions, alpha);
    const StateTable values = soft_values(logits, mdp.actions, alpha);
    const Table rewards = endogenous_reward(mdp, logits, alpha, gamma, options.rule);
    const Trajectory path = sampled_trajectory(mdp, exponentials(log_policy), random);
    const double discounted_return = along(path, rewards, mdp.actions, gamma);
    const double telescoped = alpha * along(path, log_policy, mdp.actions, gamma) + values[0][0];
    by_table = std::max(by_table, std::abs(discounted_return - telescoped));
    std::vector<TokenStats> stats;
    stats.reserve(mdp.horizon());
    for (std::size_t h = 0; h < mdp.horizon(); ++h) {
      const std::size_t s = path.states[h];
      stats.push_back({.logit = logits[h][s * mdp.actions + path.actions[h]],
                       .log_sum_exp = values[h][s] / alpha,
                       .entropy = {},
                       .uniform_divergence = {}});
    }
    const Aggregates aggregates = aggregate(log_probs_of(token_rewards(stats, alpha)), {}, alpha,
                                            {.gamma = gamma, .initial_value = true}, values[0][0]);
    by_core = std::max(by_core, std::abs(discounted_return - aggregates.discounted));
  }
  const std::string over = "largest difference over " + std::to_string(problems) + " texts, gamma in [0, 1)";
  return {at_most("sum gamma^h (Q - gamma V') = alpha sum gamma^h log pi + V(s_1)", by_table, 1e-11, over),
          at_most("and that is what the scorer's discounted aggregation with V(s_1) gives", by_core, 1e-11, over)};
}

}  // namespace

std::vector<Finding> second_helping(const ClaimOptions& options) {
  return joined({iterated(options), discounted(options)});
}

}  // namespace endorm::lab
