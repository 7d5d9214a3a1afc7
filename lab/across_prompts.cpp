// What V(s_1) changes: nothing between responses to one prompt, everything between prompts.
#include <algorithm>
#include <cmath>

#include "lab/claims.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

// Several prompts: each first state is one, all equally likely.
TabularMdp random_prompts(RandomStream& random, std::size_t prompts, std::size_t actions, std::size_t horizon) {
  TabularMdp mdp = random_features(random, {.actions = actions, .horizon = horizon, .states = prompts}, 1.0);
  Layer& first = mdp.layers.front();
  first.states = prompts;
  first.rewards.clear();
  first.successors.clear();
  for (std::size_t prompt = 0; prompt < prompts; ++prompt) {
    const double level = random.normal();  // what its responses earn, all of them
    for (std::size_t a = 0; a < actions; ++a) {
      first.rewards.push_back(level + random.normal());
      first.successors.push_back({random.below(prompts), 1.0});
    }
  }
  mdp.initial.assign(prompts, 1.0 / static_cast<double>(prompts));
  check(mdp);
  return mdp;
}

// Pairs in which a reward prefers the response that the true return prefers.
struct Agreement {
  std::size_t right = 0;
  std::size_t pairs = 0;
  void count(double reward_difference, double true_difference) {
    right += (reward_difference > 0.0) == (true_difference > 0.0) ? 1 : 0;
    ++pairs;
  }
  double share() const { return static_cast<double>(right) / static_cast<double>(pairs); }
};

}  // namespace

std::vector<Finding> across_prompts(const ClaimOptions& options) {
  RandomStream random(options.seed);
  const std::size_t problems = options.problems(500);
  double error = 0.0;
  Agreement with_value;
  Agreement without;
  Agreement shifted;
  Agreement within;
  for (std::size_t round = 0; round < problems; ++round) {
    const TabularMdp mdp = random_prompts(random, 5, 2 + random.below(4), 2 + random.below(6));
    const double alpha = 0.3 + 2.0 * random.uniform();
    const Table q = soft_optimal(mdp, mdp.rewards(), alpha);
    const Table log_policy = soft_policy(q, mdp.actions, alpha);
    const Table endogenous = endogenous_reward(mdp, q, alpha, 1.0, options.rule);
    std::vector<double> constants(5);  // what the likelihood leaves free: a constant on each prompt's logits
    for (double& constant : constants) {
      constant = 2.0 * random.normal();
    }
    const std::vector<Trajectory> texts = sampled_trajectories(mdp, exponentials(log_policy), 20, random);
    const auto truth = [&](const Trajectory& path) { return along(path, mdp.rewards(), mdp.actions); };
    const auto value = [&](const Trajectory& path) { return along(path, endogenous, mdp.actions); };
    const auto likelihood = [&](const Trajectory& path) { return alpha * along(path, log_policy, mdp.actions); };
    for (std::size_t i = 0; i < texts.size(); ++i) {
      error = std::max(error, std::abs(value(texts[i]) - truth(texts[i])));
      for (std::size_t j = 0; j < i; ++j) {
        const double difference = truth(texts[i]) - truth(texts[j]);
        const double likelihoods = likelihood(texts[i]) - likelihood(texts[j]);
        const double constant = constants[texts[i].states[0]] - constants[texts[j].states[0]];
        if (std::abs(difference) < 1e-9) {
          continue;  // the same text twice
        }
        if (texts[i].states[0] == texts[j].states[0]) {
          within.count(likelihoods, difference);
          continue;
        }
        with_value.count(value(texts[i]) - value(texts[j]), difference);
        without.count(likelihoods, difference);
        shifted.count(value(texts[i]) - value(texts[j]) + constant, difference);
      }
    }
  }
  const auto share = [&](const char* statement, const Agreement& agreement, const char* detail) {
    return at_least(statement, agreement.share(), 1.0,
                    std::string(detail) + "share of " + std::to_string(agreement.pairs) + " pairs");
  };
  return {
      at_most("With logits equal to the true soft Q, alpha sum log pi + V(s_1) is the true return of every response",
              error, 1e-11,
              "largest difference over " + std::to_string(20 * problems) + " responses to 5 prompts each"),
      share("Within a prompt, log probabilities alone order responses as the true return does", within, ""),
      share("Across prompts, with V(s_1) the order is the true one", with_value, ""),
      as_limit(
          share("Across prompts, log probabilities alone order responses as the true return does (they lack V(s_1))",
                without, "")),
      as_limit(share(
          "Across prompts, V(s_1) helps whatever the constants in the logits are (the likelihood fixes none of them)",
          shifted, "constants normal, deviation 2: "))};
}

}  // namespace endorm::lab
