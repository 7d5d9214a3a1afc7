#include "core/log_sum_exp.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "core/random.h"

namespace endorm {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_logits(RandomStream& random, std::size_t size, double scale) {
  std::vector<float> logits(size);
  for (float& logit : logits) {
    logit = static_cast<float>(scale * random.normal());
  }
  return logits;
}

std::string message_of(const std::vector<float>& logits, double alpha) {
  try {
    row_statistics(logits, alpha);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("the portable kernel is always there and the fastest comes first") {
  const auto kernels = available_row_kernels();
  REQUIRE(!kernels.empty());
  CHECK(kernels.back() == RowKernel::kPortable);
  CHECK(std::is_sorted(kernels.begin(), kernels.end()));
  CHECK(std::string(row_kernel_name(RowKernel::kPortable)) == "portable");
  const std::vector<float> row{1.0F, 2.0F, 3.0F};
  const RowStatistics chosen = row_statistics(row, 0.7);
  const RowStatistics first = row_statistics_on(kernels.front(), row, 0.7);
  CHECK(chosen.log_sum_exp == first.log_sum_exp);
  CHECK(chosen.entropy == first.entropy);
}

TEST_CASE("a kernel that this processor lacks is refused") {
  const auto kernels = available_row_kernels();
  const std::vector<float> row{1.0F};
  for (const RowKernel kernel : {RowKernel::kAvx512, RowKernel::kAvx2}) {
    if (std::find(kernels.begin(), kernels.end(), kernel) != kernels.end()) {
      continue;
    }
    CHECK_THROWS_AS(row_statistics_on(kernel, row, 1.0), InvalidInput);
  }
}

TEST_CASE("exact cases: one token, equal tokens, masks") {
  for (const RowKernel kernel : available_row_kernels()) {
    INFO(row_kernel_name(kernel));
    const RowStatistics one = row_statistics_on(kernel, std::vector<float>{-3.25F}, 1.0);
    CHECK(one.log_sum_exp == -3.25);
    CHECK(one.entropy == 0.0);
    for (const std::size_t size : {2U, 15U, 16U, 17U, 31U, 33U, 4095U, 4096U, 4097U}) {
      const RowStatistics equal = row_statistics_on(kernel, std::vector<float>(size, 5.0F), 0.5);
      CHECK(std::abs(equal.log_sum_exp - (10.0 + std::log(size))) <= 1e-14);
      CHECK(std::abs(equal.entropy - std::log(size)) <= 1e-14);
      CHECK(std::abs(equal.uniform_divergence) <= 1e-14);
    }
    const RowStatistics masked =
        row_statistics_on(kernel, std::vector<float>{-kInfinity, 2.0F, -kInfinity, 2.0F, -kInfinity}, 1.0);
    CHECK(std::abs(masked.log_sum_exp - (2.0 + std::log(2.0))) <= 1e-15);
    CHECK(std::abs(masked.entropy - std::log(2.0)) <= 1e-15);
    CHECK(std::abs(masked.uniform_divergence) <= 1e-15);
  }
}

TEST_CASE("logits of any size neither overflow nor turn into NaN") {
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const RowKernel kernel : available_row_kernels()) {
    INFO(row_kernel_name(kernel));
    const RowStatistics extremes =
        row_statistics_on(kernel, std::vector<float>{-kLargest, kLargest, -kInfinity, 0.0F}, 1.0);
    CHECK(extremes.log_sum_exp == static_cast<double>(kLargest));
    CHECK(extremes.entropy == 0.0);
    // Exponents around the smallest normal and subnormal doubles, where exp runs out.
    for (const float gap : {700.0F, 707.5F, 708.3F, 709.0F, 744.0F, 746.0F, 799.0F, 801.0F, 5000.0F}) {
      const RowStatistics apart = row_statistics_on(kernel, std::vector<float>{0.0F, -gap}, 1.0);
      CHECK(apart.log_sum_exp == 0.0);
      CHECK(apart.entropy >= 0.0);
      CHECK(apart.entropy <= 1e-300);
    }
  }
}

// d -> log(1 + exp(d)) and its entropy show the kernels' exponential alone: exp(d) is the whole of what is added to 1.
TEST_CASE("the exponential of every kernel keeps its digits over its whole range") {
  for (const RowKernel kernel : available_row_kernels()) {
    for (int i = 0; i < 4000; ++i) {
      const auto gap = static_cast<float>(i) * 0.173F;
      INFO(row_kernel_name(kernel), ", gap ", gap);
      // entropy = log(1 + e) - e d / (1 + e): at d << 0 it is -e d, so that its relative error is that of e.
      const double d = -static_cast<double>(gap);
      const double e = std::exp(d);
      const double expected = std::log(1.0 + e) - e * d / (1.0 + e);
      const RowStatistics found = row_statistics_on(kernel, std::vector<float>{0.0F, -gap}, 1.0);
      CHECK(std::abs(found.entropy - expected) <= 2e-15 * expected);
    }
  }
}

TEST_CASE("kernels agree on unaligned rows of odd sizes") {
  constexpr std::uint64_t kSeed = 20250623;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const std::size_t size = 1 + random.below(round % 10 == 0 ? 20000 : 200);
    const std::size_t offset = random.below(16);
    const double alpha = 0.1 + 3.0 * random.uniform();
    std::vector<float> storage = random_logits(random, size + offset, 1.0 + 30.0 * random.uniform());
    // What lies before the row is not part of it.
    std::fill_n(storage.begin(), offset, kNan);
    for (std::size_t i = offset + 1; i < storage.size(); ++i) {
      if (random.below(5) == 0) {
        storage[i] = -kInfinity;
      }
    }
    const std::span<const float> row = std::span(storage).subspan(offset);
    const RowStatistics portable = row_statistics_on(RowKernel::kPortable, row, alpha);
    for (const RowKernel kernel : available_row_kernels()) {
      INFO(row_kernel_name(kernel), ", round ", round, ", V ", size, ", offset ", offset, ", alpha ", alpha);
      const RowStatistics found = row_statistics_on(kernel, row, alpha);
      CHECK(std::abs(found.log_sum_exp - portable.log_sum_exp) <=
            1e-13 * std::max(1.0, std::abs(portable.log_sum_exp)));
      CHECK(std::abs(found.entropy - portable.entropy) <= 1e-13 * std::max(1.0, portable.entropy));
    }
  }
}

TEST_CASE("the order of the vocabulary does not matter") {
  constexpr std::uint64_t kSeed = 7;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (int round = 0; round < 20; ++round) {
    std::vector<float> logits = random_logits(random, 1 + random.below(9000), 6.0);
    const RowStatistics before = row_statistics(logits, 1.0);
    for (std::size_t i = logits.size(); i > 1; --i) {
      std::swap(logits[i - 1], logits[random.below(i)]);
    }
    const RowStatistics after = row_statistics(logits, 1.0);
    CHECK(std::abs(after.log_sum_exp - before.log_sum_exp) <= 1e-13 * std::abs(before.log_sum_exp));
    CHECK(std::abs(after.entropy - before.entropy) <= 1e-13 * std::max(1.0, before.entropy));
  }
}

TEST_CASE("NaN and +infinity are refused by index on every kernel, wherever they stand") {
  for (const RowKernel kernel : available_row_kernels()) {
    for (const std::size_t size : {1U, 8U, 16U, 47U, 5000U}) {
      for (const float bad : {kNan, -kNan, kInfinity}) {
        for (const std::size_t index : {std::size_t{0}, size / 2, size - 1}) {
          INFO(row_kernel_name(kernel), ", V ", size, ", index ", index, ", ", bad);
          std::vector<float> logits(size, 1.0F);
          logits[index] = bad;
          CHECK_THROWS_AS(row_statistics_on(kernel, logits, 1.0), InvalidInput);
        }
      }
    }
  }
  CHECK(message_of({0.0F, 1.0F, kNan}, 1.0).find("logits[2] of 3 is NaN") != std::string::npos);
  CHECK(message_of({0.0F, kInfinity}, 1.0).find("logits[1] of 2 is +infinity") != std::string::npos);
}

TEST_CASE("rows and temperatures without a meaning are refused") {
  const std::vector<float> row{0.0F, 1.0F};
  for (const RowKernel kernel : available_row_kernels()) {
    CHECK_THROWS_AS(row_statistics_on(kernel, {}, 1.0), InvalidInput);
    CHECK_THROWS_AS(row_statistics_on(kernel, std::vector<float>(37, -kInfinity), 1.0), InvalidInput);
    for (const double alpha : {0.0, -0.0, -1.0, static_cast<double>(kNan), static_cast<double>(kInfinity), 1e-310}) {
      INFO(alpha);
      CHECK_THROWS_AS(row_statistics_on(kernel, row, alpha), InvalidInput);
    }
    CHECK_THROWS_AS(row_statistics_on(kernel, std::vector<float>{1e38F}, 1e-300), InvalidInput);
  }
  CHECK(message_of({}, 1.0).find("[row_statistics]") == 0);
  CHECK(message_of({0.0F}, -2.0).find("-2") != std::string::npos);
}

TEST_CASE("a row in pieces gives what the whole row gives, wherever its largest logit comes") {
  constexpr std::uint64_t kSeed = 9;
  INFO("seed ", kSeed);
  RandomStream random(kSeed);
  for (const double alpha : {0.5, 1.0, 3.0}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<float> logits = random_logits(random, 1 + random.below(9000), 20.0);
      for (std::size_t i = 0; i < logits.size(); i += 7) {
        logits[i] = -kInfinity;  // and the first piece may be masked altogether
      }
      logits[random.below(logits.size())] = 90.0F;
      RowReduction reduction(alpha);
      for (std::size_t begin = 0; begin < logits.size();) {
        const std::size_t count = std::min(logits.size() - begin, 1 + random.below(2000));
        reduction.add(std::span(logits).subspan(begin, count));
        begin += count;
      }
      const RowStatistics whole = row_statistics(logits, alpha);
      const RowStatistics pieces = reduction.statistics();
      CHECK(std::abs(pieces.log_sum_exp - whole.log_sum_exp) <= 1e-13 * std::abs(whole.log_sum_exp));
      CHECK(std::abs(pieces.entropy - whole.entropy) <= 1e-12);
    }
  }
}

TEST_CASE("pieces: what is refused, and where it stands in the row") {
  RowReduction reduction(1.0);
  CHECK_THROWS_AS(reduction.statistics(), InvalidInput);
  reduction.add(std::vector<float>(10, -kInfinity));
  CHECK_THROWS_AS(reduction.statistics(), InvalidInput);
  reduction.add(std::vector<float>{1.0F});
  CHECK(reduction.statistics().log_sum_exp == 1.0);
  CHECK_THROWS_WITH_AS(reduction.add(std::vector<float>{0.0F, kNan}), doctest::Contains("logits[12] of 13 is NaN"),
                       InvalidInput);
  CHECK_THROWS_AS(RowReduction(0.0), InvalidInput);
}

TEST_CASE("weights of a row in blocks: sums in long double, and the log-sum-exp of the row") {
  constexpr std::uint64_t kSeed = 11;
  MESSAGE("seed ", kSeed);
  RandomStream random(kSeed);
  for (const std::size_t size : {std::size_t{1}, kWeightBlock, kWeightBlock + 1, std::size_t{49152}}) {
    CAPTURE(size);
    std::vector<float> logits = random_logits(random, size, 5.0);
    logits[size / 2] = size > 1 ? -kInfinity : 0.5F;
    const double alpha = 0.7;
    const std::vector<double> wide(logits.begin(), logits.end());
    for (const RowWeights& weights : {row_weights(logits, alpha), row_weights(wide, alpha)}) {
      CHECK(weights.maximum == *std::max_element(wide.begin(), wide.end()));
      REQUIRE(weights.block_sums.size() == (size + kWeightBlock - 1) / kWeightBlock);
      long double total = 0;
      for (std::size_t block = 0; block < weights.block_sums.size(); ++block) {
        long double sum = 0;
        for (std::size_t i = block * kWeightBlock; i < std::min(size, (block + 1) * kWeightBlock); ++i) {
          sum += std::exp((static_cast<long double>(wide[i]) - weights.maximum) / alpha);
        }
        CHECK(std::abs(weights.block_sums[block] - static_cast<double>(sum)) <= 1e-13 * static_cast<double>(sum));
        total += sum;
      }
      const double log_sum = weights.maximum / alpha + static_cast<double>(std::log(total));
      CHECK(std::abs(log_sum - row_statistics(logits, alpha).log_sum_exp) <= 1e-12 * std::abs(log_sum));
    }
  }
  CHECK(largest_logit(std::vector<float>{-3.0F, -kInfinity, -2.0F}) == -2.0F);
  CHECK_THROWS_WITH_AS(row_weights(std::vector<float>{0.0F, kNan}, 1.0), doctest::Contains("logits[1] of 2 is NaN"),
                       InvalidInput);
  CHECK_THROWS_AS(largest_logit(std::vector<float>{kInfinity}), InvalidInput);
  CHECK_THROWS_AS(largest_logit(std::vector<float>{-kInfinity, -kInfinity}), InvalidInput);
  CHECK_THROWS_AS(largest_logit(std::span<const float>()), InvalidInput);
  CHECK_THROWS_AS(row_weights(std::vector<float>{0.0F}, 0.0), InvalidInput);
}

}  // namespace
}  // namespace endorm
