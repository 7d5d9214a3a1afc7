// Advantages against numpy: tests/golden/train_advantages.py made the numbers and gives the reason for the tolerance.
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/paths.h"
#include "train/advantage.h"

namespace endorm {
namespace {

using nlohmann::json;

const json& golden() {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/train_advantages.json")));
  return loaded;
}

std::vector<Rollout> rollouts_with(bool verified, bool dense) {
  std::vector<Rollout> rollouts;
  for (const json& one : golden().at("rollouts")) {
    Rollout rollout{.group = one.at("group"),
                    .log_prob = one.at("log_prob"),
                    .reference_log_prob = one.at("reference_log_prob"),
                    .values = one.at("values")};
    if (verified) {
      rollout.rewards.push_back({.response = one.at("verified")});
    }
    if (dense) {
      rollout.rewards.push_back({.tokens = one.at("dense")});
    }
    rollouts.push_back(std::move(rollout));
  }
  return rollouts;
}

void check_close(const std::vector<std::vector<double>>& found, const json& expected) {
  REQUIRE(found.size() == 14);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].size() == expected[i].size());
    for (std::size_t t = 0; t < found[i].size(); ++t) {
      INFO("rollout ", i, " token ", t, ": ", found[i][t], " for ", expected[i][t].get<double>());
      CHECK(std::abs(found[i][t] - expected[i][t].get<double>()) <= 1e-12);
    }
  }
}

AdvantageOptions options_for(Algorithm algorithm) {
  return {.algorithm = algorithm,
          .gamma = golden().at("gamma"),
          .lambda = golden().at("lambda"),
          .kl_coefficient = golden().at("kl_coefficient"),
          .kl_estimator = KlEstimator::kK3,
          .epsilon = golden().at("epsilon")};
}

TEST_CASE("every algorithm agrees with its definition in numpy, with rewards at the end and dense") {
  for (const bool dense : {false, true}) {
    INFO("dense ", dense);
    const std::vector<Rollout> rollouts = rollouts_with(!dense, dense);
    const json& expected = golden().at(dense ? "dense" : "last_token");

    AdvantageOptions options = options_for(Algorithm::kPpo);
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("ppo_standardised"));
    check_close(batch_advantages(rollouts, options, 0).returns, expected.at("ppo_returns"));

    options = options_for(Algorithm::kGrpo);
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("grpo"));
    options.divide_by_deviation = false;
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("grpo_undivided"));

    options = options_for(Algorithm::kRloo);
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("rloo"));

    options = options_for(Algorithm::kReinforcePlusPlus);
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("reinforce++"));
    options.group_baseline = true;
    check_close(batch_advantages(rollouts, options, 0).advantage, expected.at("reinforce++_baseline"));
  }
}

TEST_CASE("a mixture of two rewards, each normalised by itself, agrees with numpy") {
  const std::vector<RewardSource> sources = {{.weights = {{0, 0.7}}, .normalise = RewardScope::kGroup},
                                             {.weights = {{0, 0.3}}, .normalise = RewardScope::kBatch}};
  check_close(mixed_rewards(rollouts_with(true, true), sources, 0, golden().at("epsilon")), golden().at("mixture"));
}

}  // namespace
}  // namespace endorm
