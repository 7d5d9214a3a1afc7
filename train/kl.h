#pragma once

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace endorm {

// One-sample estimators of KL(pi || ref) in nats, for a token drawn from pi (J. Schulman, "Approximating KL
// Divergence", joschu.net/blog/kl-approx.html, 2020):
//   k1 = log pi - log ref                      unbiased, of either sign
//   k2 = (log pi - log ref)^2 / 2              biased, never negative
//   k3 = ref/pi - 1 - log(ref/pi)              unbiased, never negative
// Under the gradient they estimate other things, the token taken as drawn (Tang and Munos, arXiv 2506.09477): that of
// k1 is 0 in expectation, that of k2 is the gradient of KL(pi || ref), that of k3 the gradient of KL(ref || pi). So k1
// belongs in the reward; in a loss it adds noise alone.
enum class KlEstimator { kK1, kK2, kK3 };
inline constexpr std::array<std::pair<std::string_view, KlEstimator>, 3> kKlEstimators{
    {{"k1", KlEstimator::kK1}, {"k2", KlEstimator::kK2}, {"k3", KlEstimator::kK3}}};

// Number is double, or torch::Tensor for each of its elements, with a gradient in log_prob.
template <class Number>
Number kl_estimate(KlEstimator estimator, const Number& log_prob, const Number& reference_log_prob) {
  using std::expm1;  // a tensor's own is found by its type
  const Number log_ratio = reference_log_prob - log_prob;
  switch (estimator) {
    case KlEstimator::kK1:
      return -log_ratio;
    case KlEstimator::kK2:
      return 0.5 * log_ratio * log_ratio;
    case KlEstimator::kK3:
      break;
  }
  return expm1(log_ratio) - log_ratio;
}

}  // namespace endorm
