#include "engine/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/errors.h"

namespace endorm {
namespace {

template <typename Real>
std::size_t largest(std::span<const Real> logits) {
  std::size_t top = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]) || logits[i] == std::numeric_limits<Real>::infinity()) {
      throw InvalidInput("[draw_token] logit " + std::to_string(i) + " is " + std::to_string(logits[i]));
    }
    if (logits[i] > logits[top]) {
      top = i;
    }
  }
  if (logits.empty() || logits[top] == -std::numeric_limits<Real>::infinity()) {
    throw InvalidInput("[draw_token] all " + std::to_string(logits.size()) + " tokens are masked");
  }
  return top;
}

// The most likely tokens, in order, until their weights reach the share top_p of all.
std::vector<std::size_t> nucleus(std::span<const double> weights, double top_p) {
  double total = 0.0;
  std::vector<std::size_t> heap;  // the most likely first
  for (std::size_t i = 0; i < weights.size(); ++i) {
    total += weights[i];
    if (weights[i] > 0.0) {
      heap.push_back(i);
    }
  }
  const auto less_likely = [&](std::size_t a, std::size_t b) {
    return weights[a] != weights[b] ? weights[a] < weights[b] : a > b;
  };
  std::make_heap(heap.begin(), heap.end(), less_likely);
  std::vector<std::size_t> tokens;
  double sum = 0.0;
  while (!heap.empty() && (tokens.empty() || sum < top_p * total)) {
    std::pop_heap(heap.begin(), heap.end(), less_likely);
    tokens.push_back(heap.back());
    sum += weights[heap.back()];
    heap.pop_back();
  }
  return tokens;
}

template <typename Real>
Token draw(std::span<const Real> logits, const SamplingOptions& options, double uniform) {
  const std::size_t top = largest(logits);
  if (options.temperature == 0.0) {
    return static_cast<Token>(top);
  }
  std::vector<double> weights(logits.size());  // of the most likely token: 1
  std::vector<std::size_t> tokens;             // that may be drawn
  for (std::size_t i = 0; i < logits.size(); ++i) {
    weights[i] = std::exp((static_cast<double>(logits[i]) - static_cast<double>(logits[top])) / options.temperature);
    if (options.top_p == 1.0 && weights[i] > 0.0) {
      tokens.push_back(i);
    }
  }
  if (options.top_p < 1.0) {
    tokens = nucleus(weights, options.top_p);
  }
  double total = 0.0;
  for (const std::size_t token : tokens) {
    total += weights[token];
  }
  double left = uniform * total;
  for (const std::size_t token : tokens) {
    if (left < weights[token]) {
      return static_cast<Token>(token);
    }
    left -= weights[token];
  }
  return static_cast<Token>(tokens.back());  // rounding of the sum
}

}  // namespace

Token draw_token(std::span<const float> logits, const SamplingOptions& options, double uniform) {
  return draw(logits, options, uniform);
}

Token draw_token(std::span<const double> logits, const SamplingOptions& options, double uniform) {
  return draw(logits, options, uniform);
}

void check_sampling(const SamplingOptions& options) {
  if (options.max_tokens == 0) {
    throw InvalidInput("[generate] max_tokens is 0. Give at least 1.");
  }
  if (!(options.temperature >= 0.0) || !std::isfinite(options.temperature)) {
    throw InvalidInput("[generate] temperature is " + std::to_string(options.temperature) +
                       ". Give 0 (the most likely token) or a positive number.");
  }
  if (!(options.top_p > 0.0) || !(options.top_p <= 1.0)) {
    throw InvalidInput("[generate] top_p is " + std::to_string(options.top_p) + ". Give a number above 0, at most 1.");
  }
  if (std::any_of(options.stop.begin(), options.stop.end(), [](const std::string& stop) { return stop.empty(); })) {
    throw InvalidInput("[generate] a stop string is empty. Leave it out.");
  }
}

}  // namespace endorm
