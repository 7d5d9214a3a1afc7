// Losses against hand-computed cases, against torch in Python (tests/golden/train_advantages.py) and against finite
// differences.
#include "train/policy_loss.h"

#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "score/option.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using nlohmann::json;

torch::Tensor doubles(const std::vector<double>& values) { return torch::tensor(values, torch::kFloat64); }

torch::Tensor normal(RandomStream& random, std::size_t count, double scale) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(scale * random.normal());
  }
  return doubles(values);
}

bool close(double found, double expected, double tolerance = 1e-12) { return std::abs(found - expected) <= tolerance; }

// Ratios 1.5, 0.5, 1.1, 4 with advantages 2, -1, -3, -1: cut above, cut below, free, free.
PolicyTokens four_tokens() {
  return {.log_prob = doubles({std::log(1.5), std::log(0.5), std::log(1.1), std::log(4.0)}).requires_grad_(),
          .old_log_prob = doubles({0.0, 0.0, 0.0, 0.0}),
          .advantage = doubles({2.0, -1.0, -3.0, -1.0}),
          .weight = doubles({0.25, 0.25, 0.25, 0.25})};
}

TEST_CASE("the clipped objective by hand") {
  const PolicyTokens tokens = four_tokens();
  const PolicyLoss found = policy_loss(tokens, {});
  CHECK(close(found.loss.item<double>(), (-2.4 + 0.8 + 3.3 + 4.0) / 4.0));
  CHECK(close(found.clip_fraction, 0.5));
  CHECK(close(found.approximate_kl, (7.1 - 4.0 - std::log(1.5 * 0.5 * 1.1 * 4.0)) / 4.0));
  found.loss.backward();  // of -A ratio / 4 where it is free: -A ratio / 4 again
  CHECK(torch::allclose(tokens.log_prob.grad(), doubles({0.0, 0.0, 0.825, 1.0}), 0.0, 1e-12));
}

TEST_CASE("REINFORCE, the KL and the entropy by hand") {
  PolicyTokens tokens = four_tokens();
  tokens.reference_log_prob = doubles({0.0, 0.0, 0.0, 0.0});
  tokens.entropy = doubles({1.0, 2.0, 3.0, 6.0});
  const PolicyLoss found = policy_loss(tokens, {.objective = PolicyObjective::kReinforce,
                                                .kl_coefficient = 0.5,
                                                .kl_estimator = KlEstimator::kK1,
                                                .entropy_coefficient = 0.1});
  const double policy = (-2.0 * std::log(1.5) + std::log(0.5) + 3.0 * std::log(1.1) + std::log(4.0)) / 4.0;
  const double kl = std::log(1.5 * 0.5 * 1.1 * 4.0) / 4.0;
  CHECK(close(found.loss.item<double>(), policy + 0.5 * kl - 0.1 * 3.0));
  CHECK(found.clip_fraction == 0.0);
}

TEST_CASE("weights: tokens alike or responses alike; micro-batches add up") {
  const std::vector<std::size_t> lengths = {1, 3};
  CHECK(token_weights(lengths, LossAverage::kToken) == std::vector<double>{0.25, 0.25, 0.25, 0.25});
  CHECK(token_weights(lengths, LossAverage::kSequence) == std::vector<double>{0.5, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0});
  CHECK_THROWS_AS(token_weights(std::vector<std::size_t>{}, LossAverage::kToken), InvalidInput);
  CHECK_THROWS_AS(token_weights(std::vector<std::size_t>{2, 0}, LossAverage::kToken), InvalidInput);

  const PolicyTokens all = four_tokens();
  const auto part = [&](int64_t begin, int64_t end) {
    return policy_loss({.log_prob = all.log_prob.slice(0, begin, end),
                        .old_log_prob = all.old_log_prob.slice(0, begin, end),
                        .advantage = all.advantage.slice(0, begin, end),
                        .weight = all.weight.slice(0, begin, end)},
                       {})
        .loss.item<double>();
  };
  CHECK(close(policy_loss(all, {}).loss.item<double>(), part(0, 1) + part(1, 4)));
}

TEST_CASE("the loss and its gradient agree with torch in Python") {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/train_advantages.json")));
  const json& golden = loaded.at("losses");
  REQUIRE(golden.at("cases").size() == 3);
  for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
    const json& expected = golden.at("cases").at(name_of<KlEstimator>(kKlEstimators, estimator));
    const PolicyTokens tokens{.log_prob = doubles(golden.at("log_prob")).requires_grad_(),
                              .old_log_prob = doubles(golden.at("old_log_prob")),
                              .advantage = doubles(golden.at("advantage")),
                              .weight = doubles(golden.at("weight")),
                              .reference_log_prob = doubles(golden.at("reference_log_prob"))};
    INFO(name_of<KlEstimator>(kKlEstimators, estimator));
    const PolicyLoss found =
        policy_loss(tokens, {.kl_coefficient = golden.at("kl_coefficient"), .kl_estimator = estimator});
    CHECK(close(found.loss.item<double>(), expected.at("loss")));
    CHECK(close(found.approximate_kl, golden.at("approximate_kl")));
    CHECK(close(found.clip_fraction, golden.at("clip_fraction")));
    found.loss.backward();
    CHECK(torch::allclose(tokens.log_prob.grad(), doubles(expected.at("gradient")), 0.0, 1e-12));
  }
}

TEST_CASE("policy gradients agree with finite differences") {
  constexpr int64_t kArms = 5;
  constexpr double kStep = 1e-6;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    RandomStream random(seed);
    const torch::Tensor logits = normal(random, kArms, 1.0).requires_grad_();
    const torch::Tensor reference = torch::log_softmax(normal(random, kArms, 1.0), 0);
    const torch::Tensor old = torch::log_softmax(logits.detach() + normal(random, kArms, 0.3), 0);
    const torch::Tensor advantage = normal(random, kArms, 1.0);
    for (const PolicyObjective objective : {PolicyObjective::kClipped, PolicyObjective::kReinforce}) {
      INFO("seed ", seed, " objective ", static_cast<int>(objective));
      const auto loss = [&](const torch::Tensor& at) {
        const torch::Tensor log_prob = torch::log_softmax(at, 0);
        return policy_loss({.log_prob = log_prob,
                            .old_log_prob = old,
                            .advantage = advantage,
                            .weight = torch::full({kArms}, 0.2, torch::kFloat64),
                            .reference_log_prob = reference,
                            .entropy = -(log_prob.exp() * log_prob).sum().expand({kArms})},
                           {.objective = objective, .kl_coefficient = 0.3, .entropy_coefficient = 0.2})
            .loss;
      };
      const torch::Tensor gradient = torch::autograd::grad({loss(logits)}, {logits})[0];
      for (int64_t a = 0; a < kArms; ++a) {
        torch::Tensor shift = torch::zeros({kArms}, torch::kFloat64);
        shift[a] = kStep;
        const torch::Tensor difference =
            (loss(logits.detach() + shift) - loss(logits.detach() - shift)) / (2.0 * kStep);
        CHECK(close(gradient[a].item<double>(), difference.item<double>(), 1e-8));
      }
    }
  }
}

TEST_CASE("the expected gradient is that of the expected reward") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    RandomStream random(seed);
    const torch::Tensor logits = normal(random, 5, 1.0).requires_grad_();
    const torch::Tensor reward = normal(random, 5, 1.0);
    const torch::Tensor log_prob = torch::log_softmax(logits, 0);
    const torch::Tensor exact = torch::autograd::grad({(log_prob.exp() * reward).sum()}, {logits}, {}, true)[0];
    for (const PolicyObjective objective : {PolicyObjective::kClipped, PolicyObjective::kReinforce}) {
      INFO("seed ", seed, " objective ", static_cast<int>(objective));
      const PolicyLoss found = policy_loss({.log_prob = log_prob,
                                            .old_log_prob = log_prob.detach(),
                                            .advantage = reward - 7.0,  // any baseline
                                            .weight = log_prob.detach().exp()},
                                           {.objective = objective});
      CHECK(torch::allclose(torch::autograd::grad({found.loss}, {logits}, {}, true)[0], -exact, 0.0, 1e-12));
    }
  }
}

TEST_CASE("the value loss by hand") {
  const torch::Tensor values = doubles({1.0, 3.0, 0.0}).requires_grad_();
  const torch::Tensor old_values = doubles({1.0, 2.0, 0.4});
  const torch::Tensor returns = doubles({2.0, 3.0, 1.0});
  const torch::Tensor weight = doubles({0.5, 0.25, 0.25});
  const torch::Tensor found = value_loss(values, old_values, returns, weight);  // the second is held at 2.2
  CHECK(close(found.item<double>(), 0.5 * (0.5 + 0.25 * 0.64 + 0.25)));
  found.backward();
  CHECK(torch::allclose(values.grad(), doubles({-0.5, 0.0, -0.25}), 0.0, 1e-12));
}

TEST_CASE("float log-probs: the sums are made in double, the gradient comes back in float") {
  const torch::Tensor log_prob = torch::full({1 << 20}, -0.1F).requires_grad_();
  const PolicyLoss found = policy_loss({.log_prob = log_prob,
                                        .old_log_prob = log_prob.detach(),
                                        .advantage = torch::ones({1 << 20}),
                                        .weight = torch::full({1 << 20}, 1.0F / (1 << 20))},
                                       {});
  CHECK((found.loss.scalar_type() == torch::kFloat64));
  CHECK(close(found.loss.item<double>(), -1.0));
  found.loss.backward();
  CHECK((log_prob.grad().scalar_type() == torch::kFloat32));
}

TEST_CASE("wrong shapes are refused; what is not finite shows") {
  PolicyTokens tokens = four_tokens();
  CHECK_THROWS_AS(policy_loss(tokens, {.kl_coefficient = 0.1}), InvalidInput);
  CHECK_THROWS_AS(policy_loss(tokens, {.entropy_coefficient = 0.1}), InvalidInput);
  CHECK_THROWS_AS(policy_loss({}, {}), InvalidInput);
  tokens.advantage = doubles({1.0, 2.0});
  CHECK_THROWS_AS(policy_loss(tokens, {}), InvalidInput);
  tokens = four_tokens();
  tokens.old_log_prob = doubles({0.0, std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0});
  CHECK(std::isnan(policy_loss(tokens, {}).loss.item<double>()));
}

}  // namespace
}  // namespace endorm
