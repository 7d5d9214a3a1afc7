#include "train/guards.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace endorm {
namespace {

// A step at which all is well.
StepHealth healthy() { return {.loss = 0.5, .gradient_norm = 1.0, .entropy = 1.2, .length = 100.0, .kl = 0.02}; }

struct Verdict {
  std::size_t step = 0;
  std::string reason;
};

// What the guards say of `calm` steps at which all is well and then of as many of `odd` as it takes; none: nothing in
// 100 steps.
std::optional<Verdict> verdict_after(const StepHealth& odd, const GuardLimits& limits = {}, std::size_t calm = 10) {
  Guards guards(limits);
  for (std::size_t step = 1; step <= calm + 100; ++step) {
    if (const auto reason = guards.check(step <= calm ? healthy() : odd)) {
      return Verdict{step, *reason};
    }
  }
  return std::nullopt;
}

StepHealth with(std::optional<double> StepHealth::*field, double value) {
  StepHealth health = healthy();
  health.*field = value;
  return health;
}

TEST_CASE("a run that is well is let go on, and so is one odd step") {
  CHECK_FALSE(verdict_after(healthy()));
  Guards guards({});
  for (std::size_t step = 1; step <= 40; ++step) {
    StepHealth health = healthy();
    if (step == 20) {
      health.entropy = 0.0;
      health.length = 390.0;
      health.kl = 4.5;
    }
    INFO("step ", step);
    CHECK_FALSE(guards.check(health));
  }
}

TEST_CASE("a collapse of entropy is seen once its mean over the window is low, by either limit") {
  // Of five steps k have 0.05: the mean is 1.2 - 0.23 k, which is below 0.12 for the first time at k = 5.
  const auto verdict = verdict_after(with(&StepHealth::entropy, 0.05));
  REQUIRE(verdict);
  CHECK(verdict->step == 15);
  CHECK(
      verdict->reason ==
      "entropy 0.05 nats a token (mean of 5 steps) is below 0.1 times the 1.2 of the start: the policy has come to say "
      "one thing alone. A smaller learning rate or a KL to the reference helps");
  const auto low = verdict_after(with(&StepHealth::entropy, 0.01), {.least_entropy_of_start = std::nullopt});
  REQUIRE(low);
  CHECK(low->reason.find("is below 0.02:") != std::string::npos);
  CHECK_FALSE(verdict_after(with(&StepHealth::entropy, 0.0),
                            {.least_entropy = std::nullopt, .least_entropy_of_start = std::nullopt}));
}

TEST_CASE("lengths that collapse or blow up are seen") {
  // 100 - 18 k below 25 at k = 5; 100 + 100 k above 400 at k = 4.
  const auto short_ones = verdict_after(with(&StepHealth::length, 10.0));
  REQUIRE(short_ones);
  CHECK(short_ones->step == 15);
  CHECK(short_ones->reason.find(
            "length 10 tokens a response (mean of 5 steps) is below 0.25 times the 100 of the start") !=
        std::string::npos);
  const auto long_ones = verdict_after(with(&StepHealth::length, 600.0));
  REQUIRE(long_ones);
  CHECK(long_ones->step == 14);
  CHECK(
      long_ones->reason.find("length 500 tokens a response (mean of 5 steps) is above 4 times the 100 of the start") !=
      std::string::npos);
  const auto none = verdict_after(with(&StepHealth::length, 1.0), {.least_length_of_start = std::nullopt});
  REQUIRE(none);
  CHECK(none->reason.find("is below 2:") != std::string::npos);
  CHECK_FALSE(verdict_after(with(&StepHealth::length, 1e6), {.greatest_length_of_start = std::nullopt}));
}

TEST_CASE("a KL that blows up is seen") {
  const auto verdict = verdict_after(with(&StepHealth::kl, 3.0));  // 0.02 + 0.596 k above 1 at k = 2
  REQUIRE(verdict);
  CHECK(verdict->step == 12);
  CHECK(verdict->reason.find("KL to the reference 1.212 nats a token (mean of 5 steps) is above 1:") !=
        std::string::npos);
  CHECK_FALSE(verdict_after(with(&StepHealth::kl, -3.0)));  // an estimate may be of either sign
  CHECK_FALSE(verdict_after(with(&StepHealth::kl, 50.0), {.greatest_kl = std::nullopt}));
}

TEST_CASE("a number that is none stops at its step, in the first one, too") {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  for (const double odd : {std::nan(""), kInfinite, -kInfinite}) {
    INFO(odd);
    StepHealth loss = healthy();
    loss.loss = odd;
    StepHealth gradient = healthy();
    gradient.gradient_norm = odd;
    for (const StepHealth& health : {loss, gradient, with(&StepHealth::entropy, odd), with(&StepHealth::length, odd),
                                     with(&StepHealth::kl, odd)}) {
      const auto verdict = verdict_after(health, {}, 0);
      REQUIRE(verdict);
      CHECK(verdict->reason.find(": a smaller learning rate helps") != std::string::npos);
      CHECK(verdict->step == 1);
    }
  }
  StepHealth loss = healthy();
  loss.loss = std::nan("");
  CHECK(verdict_after(loss, {}, 3)->reason.find("the loss is nan") == 0);
}

TEST_CASE("what a run does not measure is not watched") {
  const StepHealth bare{.loss = 0.5, .gradient_norm = 1.0};
  CHECK_FALSE(verdict_after(bare));
  CHECK_FALSE(verdict_after(bare, {}, 0));
}

TEST_CASE("guards that are made again and shown the same steps say the same") {
  std::vector<StepHealth> steps;
  for (std::size_t step = 1; step <= 30; ++step) {
    steps.push_back(healthy());
    steps.back().length = 100.0 + 20.0 * static_cast<double>(step);
  }
  Guards whole({.greatest_length_of_start = 3.0});
  std::size_t last = 0;  // steps that it has seen
  std::optional<std::string> first;
  for (; last < steps.size() && !first; ++last) {
    first = whole.check(steps[last]);
  }
  REQUIRE(first);
  Guards again({.greatest_length_of_start = 3.0});
  for (std::size_t i = 0; i + 1 < last; ++i) {
    CHECK_FALSE(again.check(steps[i]));
  }
  CHECK(again.check(steps[last - 1]) == first);
}

}  // namespace
}  // namespace endorm
