// Advantages against numbers worked out by hand.
#include "train/advantage.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "score/option.h"

namespace endorm {
namespace {

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("at ", i, ": ", found[i], " for ", expected[i]);
    CHECK(std::abs(found[i] - expected[i]) <= 1e-12);
  }
}

Rollout rollout_of(std::size_t group, std::size_t tokens, double reward) {
  return {.group = group, .log_prob = std::vector<double>(tokens, -1.0), .rewards = {{.response = reward}}};
}

AdvantageOptions exact(Algorithm algorithm) { return {.algorithm = algorithm, .epsilon = 0.0}; }

TEST_CASE("GAE by hand: lambda 0 is the error of one step, lambda 1 the return less the value") {
  const std::vector<double> rewards = {1.0, 0.0, 2.0};
  const std::vector<double> values = {0.5, 1.0, -1.0};
  // errors with gamma 0.5: 1 + 0.5 - 0.5, 0 - 0.5 - 1, 2 + 1
  check_close(generalised_advantage(rewards, values, 0.5, 0.0).advantage, {1.0, -1.5, 3.0});
  check_close(generalised_advantage(rewards, values, 0.5, 0.5).advantage, {1.0 - 0.375 + 0.1875, -0.75, 3.0});
  const GeneralisedAdvantage whole = generalised_advantage(rewards, values, 0.5, 1.0);
  check_close(whole.returns, {1.5, 1.0, 2.0});
  check_close(whole.advantage, {1.0, 0.0, 3.0});
  CHECK_THROWS_AS(generalised_advantage(rewards, std::vector<double>{1.0}, 1.0, 1.0), InvalidInput);
}

TEST_CASE("group algorithms by hand") {
  const std::vector<Rollout> rollouts = {rollout_of(0, 1, 1.0), rollout_of(3, 2, 5.0), rollout_of(0, 3, 2.0),
                                         rollout_of(3, 1, 5.0), rollout_of(0, 1, 6.0)};
  const double deviation = std::sqrt(7.0);  // of 1, 2 and 6: (4 + 1 + 9) / 2
  Advantages found = batch_advantages(rollouts, exact(Algorithm::kGrpo), 0);
  check_close(found.advantage[0], {-2.0 / deviation});
  check_close(found.advantage[1], {0.0, 0.0});
  check_close(found.advantage[2], {-1.0 / deviation, -1.0 / deviation, -1.0 / deviation});
  check_close(found.advantage[4], {3.0 / deviation});
  CHECK(found.returns.empty());

  AdvantageOptions undivided = exact(Algorithm::kGrpo);
  undivided.divide_by_deviation = false;
  check_close(batch_advantages(rollouts, undivided, 0).advantage[4], {3.0});

  found = batch_advantages(rollouts, exact(Algorithm::kRloo), 0);
  check_close(found.advantage[0], {1.0 - 4.0});
  check_close(found.advantage[2], {2.0 - 3.5, 2.0 - 3.5, 2.0 - 3.5});
  check_close(found.advantage[4], {6.0 - 1.5});
  check_close(found.advantage[3], {0.0});
}

TEST_CASE("REINFORCE++ standardises over the batch's tokens") {
  const std::vector<Rollout> rollouts = {rollout_of(0, 1, 3.0), rollout_of(1, 3, -1.0)};
  const Advantages found = batch_advantages(rollouts, exact(Algorithm::kReinforcePlusPlus), 0);
  check_close(found.advantage[0], {1.5});  // tokens 3 -1 -1 -1: mean 0, deviation sqrt(12 / 3)
  check_close(found.advantage[1], {-0.5, -0.5, -0.5});

  AdvantageOptions discounted = exact(Algorithm::kReinforcePlusPlus);
  discounted.gamma = 0.0;  // tokens 3 0 0 -1: mean 0.5, squares 6.25 + 0.25 + 0.25 + 2.25
  check_close(batch_advantages(rollouts, discounted, 0).advantage[0], {2.5 / std::sqrt(3.0)});
}

TEST_CASE("equal rewards give exactly 0 by every algorithm") {
  for (const Algorithm algorithm :
       {Algorithm::kPpo, Algorithm::kGrpo, Algorithm::kRloo, Algorithm::kReinforcePlusPlus}) {
    INFO(name_of<Algorithm>(kAlgorithms, algorithm));
    std::vector<Rollout> rollouts;
    for (std::size_t i = 0; i < 3; ++i) {  // the mean of three times 0.1 is not 0.1
      rollouts.push_back(rollout_of(0, 2, 0.1));
      rollouts.back().values = {0.1, 0.1};
    }
    for (const std::vector<double>& response : batch_advantages(rollouts, exact(algorithm), 0).advantage) {
      CHECK(response == std::vector<double>{0.0, 0.0});
    }
  }
  std::vector<Rollout> alone = {rollout_of(0, 2, 3.0)};
  CHECK(batch_advantages(alone, exact(Algorithm::kGrpo), 0).advantage[0] == std::vector<double>{0.0, 0.0});
}

TEST_CASE("rewards equal but for rounding stay small") {
  const std::vector<Rollout> rollouts = {rollout_of(0, 1, 0.3), rollout_of(0, 1, 0.1 + 0.2)};
  const Advantages found = batch_advantages(rollouts, {.algorithm = Algorithm::kGrpo}, 0);
  CHECK(std::abs(found.advantage[0][0]) < 1e-9);
}

TEST_CASE("the KL in the reward counts at each token") {
  std::vector<Rollout> rollouts = {rollout_of(0, 2, 1.0)};
  rollouts[0].reference_log_prob = {-1.5, -3.0};
  rollouts[0].values = {0.0, 0.0};
  AdvantageOptions options = exact(Algorithm::kPpo);
  options.lambda = 1.0;
  options.kl_coefficient = 0.1;
  check_close(batch_advantages(rollouts, options, 0).returns[0], {1.0 - 0.2 - 0.05, 1.0 - 0.2});
}

TEST_CASE("what cannot be computed is refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(batch_advantages(std::vector{rollout_of(0, 1, nan)}, exact(Algorithm::kGrpo), 0), InvalidInput);
  CHECK_THROWS_AS(batch_advantages(std::vector{rollout_of(0, 0, 1.0)}, exact(Algorithm::kGrpo), 0), InvalidInput);
  CHECK_THROWS_AS(batch_advantages(std::vector{rollout_of(0, 1, 1.0)}, exact(Algorithm::kRloo), 0), InvalidInput);
  CHECK_THROWS_AS(batch_advantages(std::vector{rollout_of(0, 1, 1.0)}, exact(Algorithm::kPpo), 0), InvalidInput);
  AdvantageOptions with_kl = exact(Algorithm::kGrpo);
  with_kl.kl_coefficient = 0.1;
  CHECK_THROWS_AS(batch_advantages(std::vector{rollout_of(0, 1, 1.0)}, with_kl, 0), InvalidInput);
}

}  // namespace
}  // namespace endorm
