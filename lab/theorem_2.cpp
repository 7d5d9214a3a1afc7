// Theorem 2: under the true reward, imitation is sub-optimal by O(H^2 eps), RL on the endogenous reward by O(H eps).
//
// Returns here are plain expected returns, without an entropy term. Imitation is measured against the expert, who is
// soft-optimal; RL is exact and greedy, measured against the best policy there is. (With the entropy term, at the same
// alpha, RL would return the model itself: second_helping.cpp.)
#include <algorithm>
#include <cmath>
#include <functional>

#include "lab/claims.h"
#include "lab/fits.h"
#include "lab/policies.h"
#include "lab/worst_cases.h"

namespace endorm::lab {
namespace {

constexpr const char* kLoss = "loss of true return";
constexpr double kTolerance = 0.15;  // of a fitted exponent, both ends of its interval

// The model's logits: the true soft Q, with the model's errors of log probability. (Any other constants at the states
// give the same returns: theorem_1.cpp.)
Table logits_near_q(const WorstCase& of, double gamma) {
  return plus(soft_optimal(of.mdp, of.mdp.rewards(), of.alpha, gamma), of.alpha, plus(of.model, -1.0, of.expert));
}

struct Losses {
  double imitation = 0.0;  // return of the expert less that of the model
  double rl = 0.0;         // best return less that of the greedy policy of the endogenous reward
};

Losses losses_of(const WorstCase& of, double gamma, RewardRule rule) {
  const Table truth = of.mdp.rewards();
  const Table endogenous = endogenous_reward(of.mdp, logits_near_q(of, gamma), of.alpha, gamma, rule);
  const auto value = [&](const Table& policy) { return expected_return(of.mdp, truth, policy, gamma); };
  return {value(exponentials(of.expert)) - value(exponentials(of.model)),
          value(greedy_policy(of.mdp, truth, gamma)) - value(greedy_policy(of.mdp, endogenous, gamma))};
}

// How both losses grow over values of x: an exponent of each for every member of a family, and the first one's curves.
struct Growth {
  Plot plot;
  std::vector<double> imitation;
  std::vector<double> rl;

  void add_member(const std::vector<double>& x, const std::function<Losses(double)>& losses_at) {
    Series of_imitation{"imitation, against the expert", x, {}};
    Series of_rl{"RL, against the best policy", x, {}};
    for (const double value : x) {
      const Losses loss = losses_at(value);
      of_imitation.y.push_back(loss.imitation);
      of_rl.y.push_back(loss.rl);
    }
    imitation.push_back(exponent(x, of_imitation.y));
    rl.push_back(exponent(x, of_rl.y));
    if (plot.series.empty()) {
      plot.series = {of_imitation, of_rl};
    }
  }
};

Finding exponent_finding(const std::string& statement, double wanted, const std::vector<double>& exponents,
                         const std::string& detail, std::vector<Plot> plots = {}) {
  const Spread found = spread(exponents);
  return at_most(statement, found.distance_from(wanted), kTolerance,
                 "exponent " + text(found) + ", median and 95 % of " + std::to_string(exponents.size()) +
                     " members; measured: the " + "interval's farther end from " + text(wanted) + ". " + detail,
                 std::move(plots));
}

SlipShape random_member(RandomStream& random) {
  return {.actions = 2 * (1 + random.below(4)),
          .alpha = 0.2 + 2.0 * random.uniform(),
          .eps = 0.02 + 0.2 * random.uniform(),
          .slip = std::pow(10.0, -6.0 + random.uniform())};
}

std::vector<Finding> slippery(const ClaimOptions& options) {
  RandomStream random(options.seed);
  const std::size_t members = options.problems(60);
  Growth in_horizon{log_log("Sub-optimality and horizon, slippery chain", "H", kLoss), {}, {}};
  Growth in_eps{log_log("Sub-optimality and eps, slippery chain", "eps", kLoss), {}, {}};
  Growth in_discount{log_log("Sub-optimality and discount, slippery chain", "1 / (1 - gamma)", kLoss), {}, {}};
  for (std::size_t member = 0; member < members; ++member) {
    SlipShape shape = random_member(random);
    in_horizon.add_member({128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0}, [&](double horizon) {
      shape.horizon = static_cast<std::size_t>(horizon);
      return losses_of(slippery_chain(shape), 1.0, options.rule);
    });
    shape.horizon = 12;
    in_eps.add_member({0.01, 0.02, 0.05, 0.1, 0.2}, [&](double eps) {
      shape.eps = eps;
      return losses_of(slippery_chain(shape), 1.0, options.rule);
    });
    in_discount.add_member({64.0, 128.0, 256.0, 512.0, 1024.0}, [&](double reach) {
      shape.horizon = static_cast<std::size_t>(16.0 * reach);
      return losses_of(slippery_chain(shape), 1.0 - 1.0 / reach, options.rule);
    });
  }
  const std::string family = "Slippery chain (lab/worst_cases.h), vocabulary 2-8, alpha 0.2-2.2, slip 1e-6 to 1e-5, ";
  const std::string horizons = family + "H 128 to 4096";
  const std::string errors = family + "H 12, eps 0.01 to 0.2";
  const std::string discounts = family + "1 / (1 - gamma) 64 to 1024";
  return {exponent_finding("Imitation loses as H^2 in the worst-case family, while H slip is small", 2.0,
                           in_horizon.imitation, horizons, {in_horizon.plot}),
          exponent_finding("RL on the endogenous reward loses as H^1 there", 1.0, in_horizon.rl, horizons),
          exponent_finding("Imitation loses as eps^1", 1.0, in_eps.imitation, errors, {in_eps.plot}),
          exponent_finding("RL loses as eps^1", 1.0, in_eps.rl, errors),
          exponent_finding("Discounted: imitation loses as (1 / (1 - gamma))^2", 2.0, in_discount.imitation, discounts,
                           {in_discount.plot}),
          exponent_finding("Discounted: RL loses as 1 / (1 - gamma)", 1.0, in_discount.rl, discounts)};
}

// Where the square ends: a chain of a fixed slip, and a family that grows for ever.
std::vector<Finding> long_horizons(const ClaimOptions& options) {
  RandomStream random(options.seed + 1);
  Series chain{"slippery chain, slip 0.01", {}, {}};
  for (std::size_t horizon = 4; horizon <= 8192; horizon *= 2) {
    chain.add(static_cast<double>(horizon),
              losses_of(slippery_chain({.horizon = horizon, .slip = 0.01}), 1.0, options.rule).imitation);
  }
  const std::size_t n = chain.x.size();
  const double tail = exponent(std::span(chain.x).subspan(n - 3), std::span(chain.y).subspan(n - 3));
  std::vector<double> exponents;
  Series walks{"walk", {}, {}};
  const std::size_t members = options.problems(12);
  exponents.reserve(members);
  for (std::size_t member = 0; member < members; ++member) {
    const std::size_t actions = 2 * (1 + random.below(4));
    const double alpha = 0.2 + 2.0 * random.uniform();
    Series line{"walk", {}, {}};
    for (const std::size_t horizon : {32U, 64U, 128U, 256U}) {
      line.add(static_cast<double>(horizon),
               losses_of(walk(actions, horizon, alpha, 1e-3), 1.0, options.rule).imitation);
    }
    exponents.push_back(exponent(line.x, line.y));
    if (member == 0) {
      walks = line;
    }
  }
  return {as_limit(at_least(
              "Imitation's H^2 lasts at any H (it does not: with slip fixed both have left the chain, and the "
              "loss stops growing)",
              tail, 2.0 - kTolerance, "exponent over H 2048 to 8192, slip 0.01, vocabulary 4, alpha 1, eps 0.1",
              {log_log("Imitation at long horizons", "H", kLoss, {chain, walks})})),
          exponent_finding("A family whose imitation loss grows faster than H at every H: the walk, as H^1.5", 1.5,
                           exponents, "Walk (lab/worst_cases.h), vocabulary 2-8, H 32 to 256, eps 1e-3")};
}

// Bounds with their constants, as ratios of loss to bound.
struct Ratios {
  double imitation = 0.0;  // to (e^eps - 1) / 2 * range * (sum over steps of what is left of the horizon)
  double spread = 0.0;     // to (e^eps - 1) e^((H - 1) eps) sqrt(H) sd of the expert's return
  double rl = 0.0;         // to 2 alpha eps (sum of gamma^h)
  double entropy = 0.0;    // with the entropy term, to alpha H eps tanh(eps / 2)
};

double largest_reward_range(const Table& rewards) {
  double low = rewards[0][0];
  double high = low;
  for (const auto& layer : rewards) {
    low = std::min(low, std::ranges::min(layer));
    high = std::max(high, std::ranges::max(layer));
  }
  return high - low;
}

// Standard deviation of the expert's return: its variance is the sum over steps of E (Q^pi - V^pi)^2 where the next
// state follows from the token.
double return_deviation(const TabularMdp& mdp, const Table& policy) {
  const Table q = action_values(mdp, mdp.rewards(), policy);
  const Table visited = visits(mdp, policy);
  double variance = 0.0;
  for (std::size_t h = 0; h < mdp.horizon(); ++h) {
    for (std::size_t s = 0; s < mdp.layers[h].states; ++s) {
      double value = 0.0;
      for (std::size_t a = 0; a < mdp.actions; ++a) {
        value += policy[h][s * mdp.actions + a] * q[h][s * mdp.actions + a];
      }
      for (std::size_t i = s * mdp.actions; i < (s + 1) * mdp.actions; ++i) {
        variance += visited[h][i] * (q[h][i] - value) * (q[h][i] - value);
      }
    }
  }
  return std::sqrt(variance);
}

// E_pi[ return - alpha sum log pi ]
double regularised_return(const TabularMdp& mdp, const Table& log_policy, double alpha) {
  return expected_return(mdp, plus(mdp.rewards(), -alpha, log_policy), exponentials(log_policy));
}

TabularMdp random_tokens(RandomStream& random, std::size_t horizon) {
  const std::size_t actions = 2 + random.below(7);
  const bool tree = std::pow(static_cast<double>(actions), static_cast<double>(horizon)) <= 4096.0;
  return tree ? random_tree(random, actions, horizon, 1.0)
              : random_features(random, {.actions = actions, .horizon = horizon, .states = 8}, 1.0);
}

std::vector<Finding> bounds(const ClaimOptions& options) {
  RandomStream random(options.seed + 2);
  const std::size_t problems = options.problems(2000);
  Ratios ratios;
  std::size_t ahead = 0;     // RL loses less against the best policy than imitation does against the expert
  std::size_t improved = 0;  // RL earns more than the model it started from
  std::size_t above = 0;     // and more than the expert
  std::size_t compared = 0;
  for (std::size_t round = 0; round < problems; ++round) {
    const TabularMdp mdp = random_tokens(random, 2 + random.below(11));
    const auto horizon = static_cast<double>(mdp.horizon());
    const double alpha = std::pow(10.0, 1.5 * random.uniform() - 1.0);
    const double eps = std::pow(10.0, -3.0 + 2.5 * random.uniform());
    const double gamma = round % 2 == 0 ? 1.0 : 0.5 + 0.5 * random.uniform();
    const Table expert = soft_optimal_policy(mdp, mdp.rewards(), alpha, gamma);
    const Table model = round % 4 < 2 ? worst_within(mdp, mdp.rewards(), expert, eps, gamma)
                                      : random_within(expert, mdp.actions, eps, random);
    const Losses loss = losses_of({mdp, alpha, expert, model}, gamma, options.rule);
    ratios.rl = std::max(ratios.rl, loss.rl / (2.0 * alpha * eps * effective_horizon(mdp.horizon(), gamma)));
    if (gamma < 1.0) {
      continue;
    }
    const double range = largest_reward_range(mdp.rewards());
    ratios.imitation =
        std::max(ratios.imitation, loss.imitation / (0.25 * std::expm1(eps) * range * horizon * (horizon + 1.0)));
    ratios.spread =
        std::max(ratios.spread, loss.imitation / (std::expm1(eps) * std::exp((horizon - 1.0) * eps) *
                                                  std::sqrt(horizon) * return_deviation(mdp, exponentials(expert))));
    const double regularised = regularised_return(mdp, expert, alpha) - regularised_return(mdp, model, alpha);
    ratios.entropy = std::max(ratios.entropy, regularised / (alpha * horizon * eps * std::tanh(0.5 * eps)));
    ++compared;
    if (loss.rl < loss.imitation) {
      ++ahead;
    }
    const Table truth = mdp.rewards();
    const double best = expected_return(mdp, truth, greedy_policy(mdp, truth));
    const double of_expert = expected_return(mdp, truth, exponentials(expert));
    if (best - loss.rl > of_expert - loss.imitation) {
      ++improved;
    }
    if (best - loss.rl > of_expert) {
      ++above;
    }
  }
  const std::string over = "largest ratio over " + std::to_string(problems) +
                           " random token problems (vocabulary 2-8, horizon 2-12), models random and worst within eps";
  const auto ratio = [&](const char* statement, double measured) { return at_most(statement, measured, 1.0, over); };
  const auto share = [&](std::size_t count) { return static_cast<double>(count) / static_cast<double>(compared); };
  return {
      ratio("RL's loss over 2 alpha H eps (with discount: the sum of gamma^h for H)", ratios.rl),
      ratio("Imitation's loss over (e^eps - 1) H (H + 1) / 4 times the range of rewards", ratios.imitation),
      ratio("Sharper: imitation's loss over (e^eps - 1) e^((H - 1) eps) sqrt(H) sd of the expert's return, so at most "
            "H^1.5 while H eps is small",
            ratios.spread),
      ratio("With the entropy term imitation loses only eps^2: its loss over alpha H eps tanh(eps / 2)",
            ratios.entropy),
      as_limit(at_least("In random problems, too, RL loses less than imitation, in all of them", share(ahead), 1.0,
                        "share of " + std::to_string(compared) +
                            " problems without discount; RL against the best policy, imitation "
                            "against the expert. Where RL loses more, its greedy text was not the best one")),
      at_least("RL's policy earns more than the model it started from", share(improved), 1.0,
               "share of the same problems"),
      at_least("and more than the expert himself, who also explores", share(above), 1.0, "share of the same problems")};
}

// How imitation's worst loss grows in random problems.
std::vector<Finding> random_exponents(const ClaimOptions& options) {
  RandomStream random(options.seed + 3);
  const std::vector<double> horizons{2.0, 4.0, 6.0, 8.0, 10.0, 12.0};
  const std::size_t members = options.problems(100);
  std::vector<double> exponents;
  exponents.reserve(members);
  Series mean{"imitation, mean over random problems", horizons, std::vector<double>(horizons.size(), 0.0)};
  Series rl_mean{"RL, mean over random problems", horizons, std::vector<double>(horizons.size(), 0.0)};
  for (std::size_t member = 0; member < members; ++member) {
    std::vector<double> imitation;
    imitation.reserve(horizons.size());
    const std::size_t actions = 2 + random.below(7);
    for (std::size_t i = 0; i < horizons.size(); ++i) {
      const TabularMdp mdp = random_features(
          random, {.actions = actions, .horizon = static_cast<std::size_t>(horizons[i]), .states = 8}, 1.0);
      const Table expert = soft_optimal_policy(mdp, mdp.rewards(), 1.0);
      const Table model = worst_within(mdp, mdp.rewards(), expert, 0.1);
      const Losses loss = losses_of({mdp, 1.0, expert, model}, 1.0, options.rule);
      imitation.push_back(loss.imitation);
      mean.y[i] += loss.imitation / static_cast<double>(members);
      rl_mean.y[i] += loss.rl / static_cast<double>(members);
    }
    exponents.push_back(exponent(horizons, imitation));
  }
  const Spread found = spread(exponents);
  return {as_limit(at_least("Random problems show imitation's H^2, too (they do not: their worst loss is near linear)",
                            found.median, 2.0 - kTolerance,
                            "exponent " + text(found) + ", median and 95 % of " + std::to_string(members) +
                                " fits over H 2 to 12, shared states, model worst within eps 0.1, alpha 1",
                            {log_log("Random problems, worst model within eps 0.1", "H", kLoss, {mean, rl_mean})}))};
}

}  // namespace

std::vector<Finding> theorem_2(const ClaimOptions& options) {
  return joined({slippery(options), long_horizons(options), bounds(options), random_exponents(options)});
}

}  // namespace endorm::lab
