// Reward hacking in a toy: RL is pushed, by lowering its temperature, on the endogenous reward of a model that was
// fitted to few texts, and the true return is watched.
#include <algorithm>
#include <cmath>

#include "lab/claims.h"
#include "lab/fits.h"
#include "lab/policies.h"

namespace endorm::lab {
namespace {

constexpr std::size_t kTemperatures = 12;  // alpha 2^0 .. 2^-10, then greedy

// Along the push, returns as shares of the way from the expert's (0) to the best policy's (1).
struct Push {
  std::vector<double> proxy =
      std::vector<double>(kTemperatures);  // under the endogenous reward, in nats above its start
  std::vector<double> truth = std::vector<double>(kTemperatures);
  double eps = 0.0;          // of the model
  double bound_ratio = 0.0;  // the greedy policy's true loss over 2 alpha H eps
};

Push pushed(RandomStream& random, std::size_t texts, RewardRule rule) {
  const double alpha = 1.0;
  const TabularMdp mdp = random_features(random, {.actions = 4, .horizon = 8, .states = 12}, 1.0);
  const Table rewards = mdp.rewards();
  const Table expert = soft_optimal_policy(mdp, rewards, alpha);
  const Table model = maximum_likelihood(mdp, sampled_trajectories(mdp, exponentials(expert), texts, random), 0.1);
  const Table logits = logits_of(model, mdp.actions, alpha, 1.0, random);
  const Table endogenous = endogenous_reward(mdp, logits, alpha, 1.0, rule);
  const double of_expert = expected_return(mdp, rewards, exponentials(expert));
  const double of_best = expected_return(mdp, rewards, greedy_policy(mdp, rewards));
  Push push;
  push.eps = largest_difference(expert, model);
  for (std::size_t i = 0; i < kTemperatures; ++i) {
    const double temperature = alpha * std::pow(2.0, -static_cast<double>(i));
    const Table policy = i + 1 == kTemperatures ? greedy_policy(mdp, endogenous)
                                                : exponentials(soft_optimal_policy(mdp, endogenous, temperature));
    push.proxy[i] = expected_return(mdp, endogenous, policy);
    push.truth[i] = (expected_return(mdp, rewards, policy) - of_expert) / (of_best - of_expert);
  }
  const double start = push.proxy[0];
  for (double& proxy : push.proxy) {
    proxy -= start;
  }
  push.bound_ratio =
      (1.0 - push.truth.back()) * (of_best - of_expert) / (2.0 * alpha * static_cast<double>(mdp.horizon()) * push.eps);
  return push;
}

struct Summary {
  std::vector<double> proxy = std::vector<double>(kTemperatures, 0.0);  // means over problems
  std::vector<double> truth = std::vector<double>(kTemperatures, 0.0);
  Push worst;                     // the problem whose true return falls furthest
  double fell = 0.0;              // share of problems whose true return ends 0.01 or more below its highest
  double least_proxy_step = 0.0;  // of a push, negative where the proxy fell
  double eps = 0.0;               // mean
  double bound_ratio = 0.0;
};

// How far the true return ends below its highest.
double fall(const std::vector<double>& truth) { return *std::max_element(truth.begin(), truth.end()) - truth.back(); }

Summary measured(RandomStream& random, std::size_t problems, std::size_t texts, RewardRule rule) {
  Summary summary;
  const auto n = static_cast<double>(problems);
  for (std::size_t round = 0; round < problems; ++round) {
    Push push = pushed(random, texts, rule);
    for (std::size_t i = 0; i < kTemperatures; ++i) {
      summary.proxy[i] += push.proxy[i] / n;
      summary.truth[i] += push.truth[i] / n;
      if (i > 0) {
        summary.least_proxy_step = std::min(summary.least_proxy_step, push.proxy[i] - push.proxy[i - 1]);
      }
    }
    summary.fell += fall(push.truth) >= 0.01 ? 1.0 / n : 0.0;
    summary.eps += push.eps / n;
    summary.bound_ratio = std::max(summary.bound_ratio, push.bound_ratio);
    if (fall(push.truth) >= fall(summary.worst.truth)) {
      summary.worst = std::move(push);
    }
  }
  return summary;
}

}  // namespace

std::vector<Finding> reward_hacking(const ClaimOptions& options) {
  RandomStream random(options.seed);
  const std::size_t problems = options.problems(300);
  std::vector<double> pushes;  // alpha / temperature; greedy stands one step beyond
  pushes.reserve(kTemperatures);
  for (std::size_t i = 0; i < kTemperatures; ++i) {
    pushes.push_back(std::pow(2.0, static_cast<double>(i)));
  }
  const std::string pushed_by = "alpha / temperature of RL (last point: greedy)";
  Plot truth{"True return while RL is pushed", pushed_by, "way from the expert (0) to the best (1)", true, false, {}};
  Plot proxy{"Proxy return while RL is pushed", pushed_by, "endogenous return gained (nats)", true, false, {}};
  Plot worst{"The problem that falls furthest, 10 texts",
             pushed_by,
             "true: way to the best; proxy: share of its gain",
             true,
             false,
             {}};
  std::vector<Summary> all;
  std::string ends;
  for (const std::size_t texts : {10U, 30U, 100U, 1000U}) {
    const Summary& summary = all.emplace_back(measured(random, problems, texts, options.rule));
    const std::string name = std::to_string(texts) + " texts";
    truth.series.push_back({name, pushes, summary.truth});
    proxy.series.push_back({name, pushes, summary.proxy});
    ends += "; " + name + ": mean eps " + text(summary.eps) + ", true return from " + text(summary.truth.front()) +
            " to " + text(summary.truth.back()) + ", falls in " + text(100.0 * summary.fell) + " %, at most by " +
            text(fall(summary.worst.truth));
  }
  const Summary& few = all.front();
  const Summary& many = all.back();
  std::vector<double> gain = few.worst.proxy;
  for (double& share : gain) {
    share /= few.worst.proxy.back();
  }
  worst.series = {{"true return", pushes, few.worst.truth}, {"proxy return", pushes, gain}};
  double least_proxy_step = 0.0;
  double bound_ratio = 0.0;
  for (const Summary& summary : all) {
    least_proxy_step = std::min(least_proxy_step, summary.least_proxy_step);
    bound_ratio = std::max(bound_ratio, summary.bound_ratio);
  }
  const std::string over =
      std::to_string(problems) + " problems each (vocabulary 4, horizon 8, 12 states, pseudo-count 0.1)";
  return {
      at_least("The proxy return never falls while RL is pushed on it", least_proxy_step, -1e-9,
               "smallest step of it, nats; " + over, {proxy}),
      at_least("Fitted to few texts, the model's reward is hacked: the true return turns and falls while the proxy "
               "still rises",
               few.fell, 0.2, "share of problems that fall by 0.01 or more, 10 texts; " + over + ends, {truth, worst}),
      at_most("With many texts this is rare", many.fell, 0.5 * few.fell, "the same share, 1000 texts"),
      as_limit(
          at_least("The mean over problems falls, too, by a tenth of the way (it does not: most problems still gain)",
                   fall(few.truth), 0.1, "fall of the mean, 10 texts")),
      at_most("The true loss stays within 2 alpha H eps, with eps as large as few texts make it", bound_ratio, 1.0,
              "largest ratio; " + over)};
}

}  // namespace endorm::lab
