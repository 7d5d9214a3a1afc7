#include "train/guards.h"

#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace endorm {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::optional<std::string> check_finite(const StepHealth& health) {
  const std::pair<const char*, std::optional<double>> numbers[] = {{"the loss", health.loss},
                                                                   {"the norm of the gradient", health.gradient_norm},
                                                                   {"the entropy", health.entropy},
                                                                   {"the length", health.length},
                                                                   {"the KL to the reference", health.kl}};
  for (const auto& [name, value] : numbers) {
    if (value && !std::isfinite(*value)) {
      return std::string(name) + " is " + shown(*value) + ": a smaller learning rate helps";
    }
  }
  return std::nullopt;
}

// Which lower bound the mean is under, in words; none: it is under none.
std::optional<std::string> under(const GuardedMean& mean, const std::optional<double>& least,
                                 const std::optional<double>& least_of_start) {
  if (!mean.full()) {
    return std::nullopt;
  }
  if (least && mean.now() < *least) {
    return "below " + shown(*least);
  }
  if (least_of_start && mean.now() < *least_of_start * mean.start()) {
    return "below " + shown(*least_of_start) + " times the " + shown(mean.start()) + " of the start";
  }
  return std::nullopt;
}

std::optional<std::string> over_start(const GuardedMean& mean, const std::optional<double>& greatest) {
  if (!mean.full() || !greatest || !(mean.now() > *greatest * mean.start())) {
    return std::nullopt;
  }
  return "above " + shown(*greatest) + " times the " + shown(mean.start()) + " of the start";
}

}  // namespace

void GuardedMean::add(double value) {
  if (first_.size() < window_) {
    first_.push_back(value);
  }
  if (full()) {
    recent_.erase(recent_.begin());
  }
  recent_.push_back(value);
}

double GuardedMean::start() const { return mean(first_); }

double GuardedMean::now() const { return mean(recent_); }

Guards::Guards(const GuardLimits& limits)
    : limits_(limits), entropy_(limits.window), length_(limits.window), kl_(limits.window) {}

std::optional<std::string> Guards::check(const StepHealth& health) {
  if (std::optional<std::string> fault = check_finite(health)) {
    return fault;
  }
  // "entropy 0.01 nats a token (mean of 5 steps) is below 0.1 times the 1.2 of the start: ..."
  const auto say = [&](const std::string& what, const GuardedMean& mean, const char* unit, const std::string& limit,
                       const char* remedy) {
    return what + " " + shown(mean.now()) + " " + unit + " (mean of " + std::to_string(limits_.window) + " steps) is " +
           limit + ": " + remedy;
  };
  const auto add = [](GuardedMean& mean, const std::optional<double>& value) {
    if (value) {
      mean.add(*value);
    }
    return value.has_value();
  };
  const bool has_entropy = add(entropy_, health.entropy);
  const bool has_length = add(length_, health.length);
  const bool has_kl = add(kl_, health.kl);
  if (has_entropy) {
    if (const auto limit = under(entropy_, limits_.least_entropy, limits_.least_entropy_of_start)) {
      return say("entropy", entropy_, "nats a token", *limit,
                 "the policy has come to say one thing alone. A smaller learning rate or a KL to the reference helps");
    }
  }
  if (has_length) {
    if (const auto limit = under(length_, limits_.least_length, limits_.least_length_of_start)) {
      return say("length", length_, "tokens a response", *limit,
                 "the reward is better for less text. A mean over tokens in the place of a sum helps");
    }
    if (const auto limit = over_start(length_, limits_.greatest_length_of_start)) {
      return say("length", length_, "tokens a response", *limit,
                 "the reward is better for more text. A discounted reward in the place of a mean helps");
    }
  }
  if (has_kl && kl_.full() && limits_.greatest_kl && kl_.now() > *limits_.greatest_kl) {
    return say("KL to the reference", kl_, "nats a token", "above " + shown(*limits_.greatest_kl),
               "the policy has left the model it came from. A larger KL coefficient or a smaller learning rate helps");
  }
  return std::nullopt;
}

}  // namespace endorm
