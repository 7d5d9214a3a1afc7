// The expectations of the KL estimators and of their gradients, by enumeration of a small categorical.
#include "train/kl.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>
#include <torch/torch.h>

#include "core/random.h"

namespace endorm {
namespace {

constexpr std::size_t kOutcomes = 6;

std::vector<double> random_log_probs(RandomStream& random) {
  std::vector<double> log_probs;
  double sum = 0.0;
  for (std::size_t a = 0; a < kOutcomes; ++a) {
    log_probs.push_back(random.normal());
    sum += std::exp(log_probs.back());
  }
  for (double& log_prob : log_probs) {
    log_prob -= std::log(sum);
  }
  return log_probs;
}

TEST_CASE("k1 and k3 have the KL as their expectation, k2 half the second moment; k2 and k3 are never negative") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed ", seed);
    RandomStream random(seed);
    const std::vector<double> policy = random_log_probs(random);
    const std::vector<double> reference = random_log_probs(random);
    double exact = 0.0, moment = 0.0, k1 = 0.0, k2 = 0.0, k3 = 0.0;
    for (std::size_t a = 0; a < kOutcomes; ++a) {
      const double prob = std::exp(policy[a]);
      const double log_ratio = std::log(prob / std::exp(reference[a]));
      exact += prob * log_ratio;
      moment += prob * log_ratio * log_ratio / 2.0;
      k1 += prob * kl_estimate(KlEstimator::kK1, policy[a], reference[a]);
      k2 += prob * kl_estimate(KlEstimator::kK2, policy[a], reference[a]);
      k3 += prob * kl_estimate(KlEstimator::kK3, policy[a], reference[a]);
      CHECK(kl_estimate(KlEstimator::kK2, policy[a], reference[a]) >= 0.0);
      CHECK(kl_estimate(KlEstimator::kK3, policy[a], reference[a]) >= 0.0);
    }
    CHECK(std::abs(k1 - exact) <= 1e-12);
    CHECK(std::abs(k2 - moment) <= 1e-12);
    CHECK(std::abs(k3 - exact) <= 1e-12);
  }
}

TEST_CASE("a ratio near 1 keeps its digits in k3") {
  CHECK(kl_estimate(KlEstimator::kK3, -1.0, -1.0) == 0.0);
  CHECK(kl_estimate(KlEstimator::kK3, 0.0, 1e-5) == doctest::Approx(0.5e-10).epsilon(1e-5));
}

TEST_CASE("on tensors the estimators are the same, and their expected gradients are the ones that kl.h names") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed ", seed);
    RandomStream random(seed);
    std::vector<double> logit_values = random_log_probs(random);
    std::vector<double> reference_values = random_log_probs(random);
    const auto options = torch::TensorOptions(torch::kFloat64);
    const torch::Tensor logits = torch::tensor(logit_values, options).requires_grad_();
    const torch::Tensor reference = torch::tensor(reference_values, options);
    const torch::Tensor log_prob = torch::log_softmax(logits, 0);
    const torch::Tensor prob = log_prob.exp();
    const auto gradient = [&](const torch::Tensor& of) { return torch::autograd::grad({of}, {logits}, {}, true)[0]; };
    const auto expected = [&](KlEstimator estimator) {
      return gradient((prob.detach() * kl_estimate(estimator, log_prob, reference)).sum());
    };
    const torch::Tensor reverse = gradient((prob * (log_prob - reference)).sum());             // KL(pi || ref)
    const torch::Tensor forward = gradient((reference.exp() * (reference - log_prob)).sum());  // KL(ref || pi)
    CHECK(torch::allclose(expected(KlEstimator::kK1), torch::zeros_like(reverse), 0.0, 1e-12));
    CHECK(torch::allclose(expected(KlEstimator::kK2), reverse, 0.0, 1e-12));
    CHECK(torch::allclose(expected(KlEstimator::kK3), forward, 0.0, 1e-12));
    for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
      const torch::Tensor all = kl_estimate(estimator, log_prob.detach(), reference);
      for (std::size_t a = 0; a < kOutcomes; ++a) {
        const double one = kl_estimate(estimator, log_prob[a].item<double>(), reference_values[a]);
        CHECK(std::abs(all[a].item<double>() - one) <= 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace endorm
