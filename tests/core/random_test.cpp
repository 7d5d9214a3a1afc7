#include "core/random.h"

#include <array>
#include <cmath>

#include <doctest/doctest.h>

#include "core/errors.h"

namespace endorm {
namespace {

TEST_CASE("seed 0 gives the sequence of xoshiro256++ seeded by SplitMix64") {
  RandomStream random(0);
  for (const std::uint64_t expected :
       {5987356902031041503U, 7051070477665621255U, 6633766593972829180U, 211316841551650330U, 9136120204379184874U}) {
    CHECK(random.next() == expected);
  }
}

TEST_CASE("the same seed repeats, another differs") {
  RandomStream first(5);
  RandomStream again(5);
  RandomStream other(6);
  CHECK(first.normal() == again.normal());
  CHECK(first.below(1000) == again.below(1000));
  CHECK(first.next() == again.next());
  CHECK(first.next() != other.next());
}

TEST_CASE("uniform fills [0, 1) and normal has mean 0 and variance 1") {
  constexpr std::uint64_t kSeed = 31;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  constexpr int kDraws = 100000;
  double uniform_sum = 0.0;
  double normal_sum = 0.0;
  double normal_squares = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const double uniform = random.uniform();
    REQUIRE(uniform >= 0.0);
    REQUIRE(uniform < 1.0);
    uniform_sum += uniform;
    const double normal = random.normal();
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  // Five standard errors.
  CHECK(std::abs(uniform_sum / kDraws - 0.5) <= 5.0 * std::sqrt(1.0 / 12.0 / kDraws));
  CHECK(std::abs(normal_sum / kDraws) <= 5.0 * std::sqrt(1.0 / kDraws));
  CHECK(std::abs(normal_squares / kDraws - 1.0) <= 5.0 * std::sqrt(2.0 / kDraws));
}

TEST_CASE("below stays below and reaches every number") {
  constexpr std::uint64_t kSeed = 32;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  std::array<int, 7> counts{};
  for (int i = 0; i < 7000; ++i) {
    ++counts.at(random.below(counts.size()));
  }
  for (const int count : counts) {
    CHECK(std::abs(count - 1000) <= 150);
  }
  CHECK(random.below(1) == 0);
  CHECK_THROWS_AS(random.below(0), InvalidInput);
}

}  // namespace
}  // namespace endorm
