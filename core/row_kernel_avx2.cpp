#include "core/row_kernels.h"

#if ENDORM_X86_KERNELS

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <limits>

#include <immintrin.h>

#define ENDORM_AVX2 __attribute__((target("avx2,fma")))

namespace endorm {
namespace {

constexpr std::size_t kFloats = 8;
constexpr float kMasked = -std::numeric_limits<float>::infinity();

// Up to 8 entries; those past the end of the row read as masked tokens.
ENDORM_AVX2 inline __m256 load_tail(const float* entries, std::size_t count) {
  std::array<float, kFloats> padded;
  padded.fill(kMasked);
  std::copy_n(entries, count, padded.begin());
  return _mm256_loadu_ps(padded.data());
}

ENDORM_AVX2 inline double total(__m256d lanes) {
  std::array<double, 4> parts;
  _mm256_storeu_pd(parts.data(), lanes);
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

ENDORM_AVX2 RowScan scan(std::span<const float> row) {
  const __m256 largest = _mm256_set1_ps(std::numeric_limits<float>::max());
  __m256 maximum = _mm256_set1_ps(kMasked);
  __m256 refused = _mm256_setzero_ps();
  __m256d sum_low = _mm256_setzero_pd();
  __m256d sum_high = _mm256_setzero_pd();
  int unmasked = 0;
  for (std::size_t i = 0; i < row.size(); i += kFloats) {
    const std::size_t left = row.size() - i;
    const __m256 entries = left < kFloats ? load_tail(row.data() + i, left) : _mm256_loadu_ps(row.data() + i);
    // True for NaN and +infinity: "not less than or equal to the largest float".
    refused = _mm256_or_ps(refused, _mm256_cmp_ps(entries, largest, _CMP_NLE_UQ));
    maximum = _mm256_max_ps(maximum, entries);
    const __m256 is_unmasked = _mm256_cmp_ps(entries, _mm256_set1_ps(kMasked), _CMP_NEQ_UQ);
    const __m256 counted = _mm256_and_ps(entries, is_unmasked);  // 0 in the place of -infinity
    sum_low = _mm256_add_pd(sum_low, _mm256_cvtps_pd(_mm256_castps256_ps128(counted)));
    sum_high = _mm256_add_pd(sum_high, _mm256_cvtps_pd(_mm256_extractf128_ps(counted, 1)));
    unmasked += std::popcount(static_cast<unsigned>(_mm256_movemask_ps(is_unmasked)));
  }
  std::array<float, kFloats> lanes;
  _mm256_storeu_ps(lanes.data(), maximum);
  return {*std::max_element(lanes.begin(), lanes.end()), _mm256_movemask_ps(refused) != 0,
          total(_mm256_add_pd(sum_low, sum_high)), static_cast<std::size_t>(unmasked)};
}

// ln of the smallest normal double, rounded up: below it an exponential is taken as 0.
constexpr double kUnderflow = -708.0;

struct Lanes {
  __m256d sum;
  __m256d weighted;
};

// Adding and subtracting 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits of the sum.
constexpr double kRoundToInteger = 0x1.8p52;

// exp(d) [4] for kUnderflow <= d <= 0 is 2^n * exp(r), n the integer nearest to d / ln 2. The first term left out of
// the series of exp(r) is below 2e-16 at |r| = ln 2 / 2.
ENDORM_AVX2 inline __m256d exponential(__m256d d) {
  const __m256d rounder = _mm256_set1_pd(kRoundToInteger);
  const __m256d rounded = _mm256_fmadd_pd(d, _mm256_set1_pd(kLog2OfE), rounder);
  const __m256d n = _mm256_sub_pd(rounded, rounder);
  __m256d r = _mm256_fnmadd_pd(n, _mm256_set1_pd(kLn2High), d);
  r = _mm256_fnmadd_pd(n, _mm256_set1_pd(kLn2Low), r);
  __m256d series = _mm256_set1_pd(kExpSeries[0]);
#pragma GCC unroll 16
  for (std::size_t k = 1; k < std::size(kExpSeries); ++k) {
    series = _mm256_fmadd_pd(series, r, _mm256_set1_pd(kExpSeries[k]));
  }
  // n stands in the low bits of `rounded`: added to the exponent field, it multiplies by 2^n.
  const __m256i power = _mm256_slli_epi64(_mm256_castpd_si256(rounded), 52);
  return _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(series), power));
}

ENDORM_AVX2 inline void accumulate(Lanes& lanes, __m128 entries, __m256d maximum, __m256d inverse_alpha) {
  const __m256d underflow = _mm256_set1_pd(kUnderflow);
  __m256d d = _mm256_mul_pd(_mm256_sub_pd(_mm256_cvtps_pd(entries), maximum), inverse_alpha);
  const __m256d counts = _mm256_cmp_pd(d, underflow, _CMP_GE_OQ);
  d = _mm256_max_pd(d, underflow);
  const __m256d e = _mm256_and_pd(exponential(d), counts);
  lanes.sum = _mm256_add_pd(lanes.sum, e);
  lanes.weighted = _mm256_fmadd_pd(e, d, lanes.weighted);
}

ENDORM_AVX2 inline void accumulate(Lanes& low, Lanes& high, __m256 entries, __m256d maximum, __m256d inverse_alpha) {
  accumulate(low, _mm256_castps256_ps128(entries), maximum, inverse_alpha);
  accumulate(high, _mm256_extractf128_ps(entries, 1), maximum, inverse_alpha);
}

ENDORM_AVX2 ExponentialSums exponential_sums(std::span<const float> block, double maximum, double inverse_alpha) {
  const __m256d maxima = _mm256_set1_pd(maximum);
  const __m256d scale = _mm256_set1_pd(inverse_alpha);
  Lanes a{_mm256_setzero_pd(), _mm256_setzero_pd()};
  Lanes b = a;
  Lanes c = a;
  Lanes d = a;
  std::size_t i = 0;
  for (; i + 2 * kFloats <= block.size(); i += 2 * kFloats) {
    accumulate(a, b, _mm256_loadu_ps(block.data() + i), maxima, scale);
    accumulate(c, d, _mm256_loadu_ps(block.data() + i + kFloats), maxima, scale);
  }
  for (; i < block.size(); i += kFloats) {
    const std::size_t left = block.size() - i;
    const __m256 tail = left < kFloats ? load_tail(block.data() + i, left) : _mm256_loadu_ps(block.data() + i);
    accumulate(a, b, tail, maxima, scale);
  }
  const __m256d sum = _mm256_add_pd(_mm256_add_pd(a.sum, b.sum), _mm256_add_pd(c.sum, d.sum));
  const __m256d weighted = _mm256_add_pd(_mm256_add_pd(a.weighted, b.weighted), _mm256_add_pd(c.weighted, d.weighted));
  return {total(sum), total(weighted)};
}

}  // namespace

const RowKernelFunctions kAvx2RowKernel{scan, exponential_sums};

}  // namespace endorm

#endif  // ENDORM_X86_KERNELS
