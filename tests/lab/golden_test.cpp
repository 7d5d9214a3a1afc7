// The lab against numpy by other routes: tests/golden/lab_golden.py made the numbers and says how.
#include <cmath>
#include <fstream>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/reward.h"
#include "lab/inverse_rl.h"
#include "lab/policies.h"
#include "lab/soft_control.h"
#include "tests/paths.h"

namespace endorm::lab {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-11;  // sums of a few thousand terms of the order of 10, in doubles

TabularMdp tree_of(const json& golden) {
  TabularMdp mdp;
  mdp.actions = golden.at("actions");
  mdp.initial = {1.0};
  for (const json& rewards : golden.at("rewards")) {
    Layer& layer = mdp.layers.emplace_back();
    layer.rewards = rewards.get<std::vector<double>>();
    layer.states = layer.rewards.size() / mdp.actions;
  }
  for (std::size_t h = 0; h + 1 < mdp.horizon(); ++h) {
    for (std::size_t i = 0; i < mdp.layers[h].rewards.size(); ++i) {
      mdp.layers[h].successors.push_back({i, 1.0});
    }
  }
  check(mdp);
  return mdp;
}

void check_near(double found, const json& expected) { CHECK(std::abs(found - expected.get<double>()) <= kTolerance); }

TEST_CASE("soft control, worst policies, preferences and the inverse-RL objective agree with numpy") {
  const json golden = json::parse(std::ifstream(source_path("tests/golden/lab_golden.json")));
  REQUIRE(golden.at("problems").size() == 6);
  for (const json& expected : golden.at("problems")) {
    INFO("vocabulary ", expected.at("actions").dump(), ", horizon ", expected.at("horizon").dump());
    const TabularMdp mdp = tree_of(expected);
    const double alpha = expected.at("alpha");
    const double gamma = expected.at("gamma");
    const Table rewards = mdp.rewards();
    const Table logits = expected.at("logits");
    const Table q = soft_optimal(mdp, rewards, alpha);
    const Table policy = soft_policy(q, mdp.actions, alpha);
    check_near(soft_values(q, mdp.actions, alpha)[0][0], expected.at("soft_value"));
    CHECK(largest_difference(policy, expected.at("soft_policy").get<Table>()) <= kTolerance);
    check_near(expected_return(mdp, rewards, exponentials(policy), gamma), expected.at("soft_policy_return"));
    check_near(expected_return(mdp, rewards, greedy_policy(mdp, rewards, gamma), gamma), expected.at("best_return"));
    const Table worst = worst_within(mdp, rewards, policy, expected.at("eps"));
    check_near(expected_return(mdp, rewards, exponentials(worst)), expected.at("worst_return"));

    const Table endogenous = endogenous_reward(mdp, logits, alpha, gamma);
    const std::vector<Trajectory> texts = all_trajectories(mdp);
    REQUIRE(texts.size() == expected.at("endogenous_returns").size());
    std::vector<double> returns;
    returns.reserve(texts.size());
    double variation = 0.0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      returns.push_back(along(texts[i], endogenous, mdp.actions, gamma));
      check_near(returns[i], expected.at("endogenous_returns")[i]);
      for (std::size_t j = 0; j < i; ++j) {
        const double truth = preference_probability(along(texts[i], rewards, mdp.actions, gamma),
                                                    along(texts[j], rewards, mdp.actions, gamma));
        variation = std::max(variation, std::abs(truth - preference_probability(returns[i], returns[j])));
      }
    }
    check_near(variation, expected.at("variation"));
    const Table data = visits(mdp, exponentials(soft_policy(logits, mdp.actions, 1.0)));
    check_near(offline_objective(mdp, data, rewards, alpha), expected.at("objective"));
  }
}

}  // namespace
}  // namespace endorm::lab
