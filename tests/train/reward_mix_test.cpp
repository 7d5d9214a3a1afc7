#include "train/reward_mix.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"

namespace endorm {
namespace {

// A dense reward first, a verified one second.
Rollout rollout_of(std::size_t group, std::vector<double> dense, double verified) {
  Rollout rollout{.group = group, .log_prob = std::vector<double>(dense.size(), -1.0)};
  rollout.rewards = {{.tokens = std::move(dense)}, {.response = verified}};
  return rollout;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("at ", i, ": ", found[i], " for ", expected[i]);
    CHECK(std::abs(found[i] - expected[i]) <= 1e-12);
  }
}

TEST_CASE("a weight goes straight from point to point and is level outside") {
  const RewardSource source{.weights = {{10, 1.0}, {20, 0.0}, {21, 4.0}}};
  CHECK(source.weight(0) == 1.0);
  CHECK(source.weight(10) == 1.0);
  CHECK(source.weight(15) == doctest::Approx(0.5));
  CHECK(source.weight(20) == 0.0);
  CHECK(source.weight(21) == 4.0);
  CHECK(source.weight(1000) == 4.0);
}

TEST_CASE("a response's reward counts at its last token, a dense one at each") {
  const std::vector<Rollout> rollouts = {rollout_of(0, {1.0, 2.0, 3.0}, 10.0)};
  const std::vector<RewardSource> sources = {{.weights = {{0, 0.5}}}, {.weights = {{0, 2.0}}}};
  check_close(mixed_rewards(rollouts, sources, 0, 0.0)[0], {0.5, 1.0, 21.5});
}

TEST_CASE("first endogenous, then verified: the sources are normalised apart, and one of weight 0 is not read") {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  std::vector<Rollout> rollouts = {rollout_of(0, {100.0, 300.0}, 0.0), rollout_of(0, {200.0}, 1.0)};
  std::vector<RewardSource> sources = {{.weights = {{4, 1.0}, {6, 0.0}}, .normalise = RewardScope::kGroup},
                                       {.weights = {{4, 0.0}, {6, 1.0}}, .normalise = RewardScope::kGroup}};
  const double half = std::sqrt(0.5);  // 0 and 1: mean 0.5, deviation sqrt(0.5)
  check_close(mixed_rewards(rollouts, sources, 0, 0.0)[0], {-1.0, 1.0});
  check_close(mixed_rewards(rollouts, sources, 5, 0.0)[0], {-0.5, 0.5 - 0.5 * half});
  check_close(mixed_rewards(rollouts, sources, 5, 0.0)[1], {0.5 * half});
  check_close(mixed_rewards(rollouts, sources, 6, 0.0)[0], {0.0, -half});

  rollouts[0].rewards[0].tokens[1] = unknown;
  CHECK_THROWS_AS(mixed_rewards(rollouts, sources, 5, 0.0), InvalidInput);
  check_close(mixed_rewards(rollouts, sources, 6, 0.0)[0], {0.0, -half});
}

TEST_CASE("a group is normalised by itself, a batch across its groups") {
  const std::vector<Rollout> rollouts = {rollout_of(0, {0.0}, 1.0), rollout_of(0, {0.0}, 1.0),
                                         rollout_of(1, {0.0}, 4.0), rollout_of(1, {0.0}, 2.0)};
  std::vector<RewardSource> sources = {{}, {.normalise = RewardScope::kGroup}};
  CHECK(mixed_rewards(rollouts, sources, 0, 0.0)[0] == std::vector<double>{0.0});
  check_close(mixed_rewards(rollouts, sources, 0, 0.0)[2], {std::sqrt(0.5)});
  sources[1].normalise = RewardScope::kBatch;  // mean 2, squares 1 + 1 + 4 + 0
  check_close(mixed_rewards(rollouts, sources, 0, 0.0)[0], {-1.0 / std::sqrt(2.0)});
  check_close(mixed_rewards(rollouts, sources, 0, 0.0)[2], {2.0 / std::sqrt(2.0)});
}

TEST_CASE("rewards that do not fit the tokens or the sources are refused") {
  std::vector<Rollout> rollouts = {rollout_of(0, {1.0, 2.0}, 0.0)};
  CHECK_THROWS_AS(mixed_rewards(rollouts, std::vector<RewardSource>(3), 0, 0.0), InvalidInput);
  rollouts[0].rewards[0].tokens.pop_back();
  CHECK_THROWS_AS(mixed_rewards(rollouts, std::vector<RewardSource>(2), 0, 0.0), InvalidInput);
}

}  // namespace
}  // namespace endorm
