// Proposition 1: the logits of the likelihood optimum solve offline inverse reinforcement learning over its data.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lab/claims.h"
#include "lab/fits.h"
#include "lab/inverse_rl.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

struct Problem {
  TabularMdp mdp;
  double alpha;
  Table data;  // visits
  bool whole;  // the data are the expert's distribution itself
};

// In turn: a token tree with the expert's whole distribution as data; a token tree with 200 of the expert's texts and
// every text once; a problem with drawn successors and the expert's whole distribution.
Problem random_problem(RandomStream& random, std::size_t round) {
  const std::size_t actions = 2 + random.below(2);
  const std::size_t horizon = 2 + random.below(2);
  Problem problem;
  problem.whole = round % 3 != 1;
  problem.mdp = round % 3 < 2 ? random_tree(random, actions, horizon, 0.5)
                              : random_features(
                                    random, {.actions = actions, .horizon = horizon, .states = 3, .branching = 2}, 0.5);
  problem.alpha = 0.5 + random.uniform();
  const Table policy = exponentials(soft_optimal_policy(problem.mdp, problem.mdp.rewards(), problem.alpha));
  problem.data = visits(problem.mdp, policy);
  if (!problem.whole) {
    std::vector<Trajectory> texts = all_trajectories(problem.mdp);
    const std::vector<Trajectory> drawn = sampled_trajectories(problem.mdp, policy, 200, random);
    texts.insert(texts.end(), drawn.begin(), drawn.end());
    problem.data = visit_counts(problem.mdp, texts, 0.0, 1.0 / static_cast<double>(texts.size()));
  }
  return problem;
}

// Over random logits, right or wrong: the objective of the reward they stand for is alpha times their likelihood.
Finding objective_is_likelihood(const ClaimOptions& options) {
  RandomStream random(options.seed);
  double worst = 0.0;
  const std::size_t problems = options.problems(300);
  for (std::size_t round = 0; round < problems; ++round) {
    const Problem problem = random_problem(random, round);
    const Table q = random_table(problem.mdp, random, 2.0);
    const Table rewards = endogenous_reward(problem.mdp, q, problem.alpha, 1.0, options.rule);
    const double objective = offline_objective(problem.mdp, problem.data, rewards, problem.alpha);
    const Table log_policy = soft_policy(q, problem.mdp.actions, problem.alpha);
    worst = std::max(worst, std::abs(objective - problem.alpha * expectation(problem.data, log_policy)));
  }
  return at_most(
      "For any logits, the offline inverse-RL objective of their endogenous reward is alpha times the log likelihood",
      worst, 1e-10,
      "largest difference over " + std::to_string(problems) +
          " problems with random logits; tokens and drawn successors");
}

// Largest |found - (wanted + Phi(s) - E Phi(s'))| where the data go, with Phi the difference of the rewards' soft
// values.
double shaping_residual(const TabularMdp& mdp, const Table& data, const Table& found, const Table& wanted,
                        double alpha) {
  const StateTable potential = plus(soft_values(soft_optimal(mdp, found, alpha), mdp.actions, alpha), -1.0,
                                    soft_values(soft_optimal(mdp, wanted, alpha), mdp.actions, alpha));
  double largest = 0.0;
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    for (std::size_t i = 0; i < wanted[h].size(); ++i) {
      if (data[h][i] == 0.0) {
        continue;  // a state that is never reached
      }
      double shaped = wanted[h][i] + potential[h][i / mdp.actions];
      for (const Successor& next : mdp.successors(h, i)) {
        shaped -= next.probability * potential[h + 1][next.state];
      }
      largest = std::max(largest, std::abs(found[h][i] - shaped));
    }
  }
  return largest;
}

// Largest difference of log probabilities, where the data go, between the soft policies of two rewards, at temperatures
// around alpha.
double policy_difference(const TabularMdp& mdp, const Table& data, const Table& left, const Table& right,
                         double alpha) {
  double largest = 0.0;
  for (const double temperature : {0.25 * alpha, alpha, 4.0 * alpha}) {
    const auto policy = [&](const Table& rewards) {
      Table log_policy = soft_optimal_policy(mdp, rewards, temperature);
      for (std::size_t h = 0; h < data.size(); ++h) {
        for (std::size_t i = 0; i < data[h].size(); ++i) {
          log_policy[h][i] *= data[h][i] > 0.0 ? 1.0 : 0.0;
        }
      }
      return log_policy;
    };
    largest = std::max(largest, largest_difference(policy(left), policy(right)));
  }
  return largest;
}

// What direct optimisation of the objective finds, against the likelihood's optimum.
std::vector<Finding> optimum_is_reached(const ClaimOptions& options) {
  constexpr std::size_t kStarts = 3;
  RandomStream random(options.seed + 1);
  double gap = 0.0;
  double excess = -std::numeric_limits<double>::infinity();
  double shaping = 0.0;
  double policies = 0.0;
  double greedy = 0.0;
  std::size_t most_steps = 0;
  const std::size_t problems = options.problems(30);
  for (std::size_t round = 0; round < problems; ++round) {
    const Problem problem = random_problem(random, round);
    const TabularMdp& mdp = problem.mdp;
    const double alpha = problem.alpha;
    const Table logits = logits_of(likelihood_optimum(problem.data, mdp.actions), mdp.actions, alpha, 3.0, random);
    const Table endogenous = endogenous_reward(mdp, logits, alpha, 1.0, options.rule);
    const double at_logits = offline_objective(mdp, problem.data, endogenous, alpha);
    for (std::size_t start = 0; start < kStarts; ++start) {
      const Ascent found = ascend(mdp, problem.data, alpha, random_table(mdp, random, 1.0), 1e-10, 100'000);
      gap = std::max(gap, std::abs(at_logits - found.objective));
      excess = std::max(excess, found.objective - at_logits);
      most_steps = std::max(most_steps, found.steps);
      shaping = std::max(shaping, shaping_residual(mdp, problem.data, found.rewards, endogenous, alpha));
      policies = std::max(policies, policy_difference(mdp, problem.data, found.rewards, endogenous, alpha));
      if (!problem.whole) {
        continue;
      }
      // The data are the expert's distribution: what is found is the true reward.
      const Table truth = mdp.rewards();
      shaping = std::max(shaping, shaping_residual(mdp, problem.data, found.rewards, truth, alpha));
      policies = std::max(policies, policy_difference(mdp, problem.data, found.rewards, truth, alpha));
      greedy = std::max(greedy, expected_return(mdp, truth, greedy_policy(mdp, truth)) -
                                    expected_return(mdp, truth, greedy_policy(mdp, found.rewards)));
    }
  }
  const std::string over = std::to_string(problems) + " problems, " + std::to_string(kStarts) +
                           " random starts each, gradient to 1e-10 (at most " + std::to_string(most_steps) + " steps)";
  return {
      at_most("Gradient ascent on the objective ends at the value that the likelihood's logits have", gap, 1e-8, over),
      at_most("It never ends above that value", excess, 1e-12, over),
      at_most("The reward found is the logits' own, and the true one where the data are the expert's whole "
              "distribution, up to potential-based shaping r + Phi(s) - E Phi(s')",
              shaping, 1e-6, "largest residual"),
      at_most("These rewards induce the same soft policies at alpha / 4, alpha and 4 alpha", policies, 1e-5,
              "largest difference of log probabilities, nats"),
      at_most("The greedy policy of the reward found loses nothing of the true return", greedy, 1e-6,
              "largest loss where the data are the expert's whole distribution")};
}

// Data that lack an action: the optimum has an infinite logit, and ascent only comes nearer.
Finding missing_action(const ClaimOptions& options) {
  RandomStream random(options.seed + 2);
  const TabularMdp mdp = random_tree(random, 2, 2, 0.5);
  std::vector<Trajectory> texts = all_trajectories(mdp);
  texts.pop_back();
  const Table data = visit_counts(mdp, texts, 0.0, 1.0 / static_cast<double>(texts.size()));
  const double supremum = expectation(data, likelihood_optimum(data, mdp.actions));
  Series gaps{"gap to the supremum", {}, {}};
  Table before;
  double moved = 0.0;
  for (const std::size_t steps : {10U, 30U, 100U, 300U, 1000U, 3000U, 10000U}) {
    const Ascent found = ascend(mdp, data, 1.0, mdp.filled(0.0), 0.0, steps);
    gaps.add(static_cast<double>(steps), supremum - found.objective);
    Table policy = soft_optimal_policy(mdp, found.rewards, 1.0);
    if (!before.empty()) {
      moved = largest_difference(policy, before);
    }
    before = std::move(policy);
  }
  return at_most(
      "The same where the data lack an action (breaks an assumption: every action has data, or its logit is -infinity)",
      moved, 1e-5,
      "change of log probabilities between 3,000 and 10,000 steps, nats: the objective comes to " +
          text(gaps.y.back()) + " of its supremum, the reward never settles",
      {log_log("Data that lack an action", "gradient steps", "gap to the supremum", {gaps})});
}

}  // namespace

std::vector<Finding> proposition_1(const ClaimOptions& options) {
  return joined({{objective_is_likelihood(options)}, optimum_is_reached(options), {as_limit(missing_action(options))}});
}

}  // namespace endorm::lab
