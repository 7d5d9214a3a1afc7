#include "core/row_kernels.h"

#if ENDORM_X86_KERNELS

// GCC 12 takes the deliberately undefined registers inside its own AVX-512 intrinsics for uninitialised variables.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <bit>
#include <iterator>
#include <limits>

#include <immintrin.h>

#define ENDORM_AVX512 __attribute__((target("avx512f")))

namespace endorm {
namespace {

constexpr std::size_t kFloats = 16;
constexpr float kMasked = -std::numeric_limits<float>::infinity();

// Up to 16 entries; those past the end of the row read as masked tokens.
ENDORM_AVX512 inline __m512 load_tail(const float* entries, std::size_t count) {
  const auto mask = static_cast<__mmask16>((1U << count) - 1U);
  return _mm512_mask_loadu_ps(_mm512_set1_ps(kMasked), mask, entries);
}

// True for NaN and +infinity: "not less than or equal to the largest float".
ENDORM_AVX512 inline __mmask16 refused_entries(__m512 entries) {
  return _mm512_cmp_ps_mask(entries, _mm512_set1_ps(std::numeric_limits<float>::max()), _CMP_NLE_UQ);
}

// Adds the unmasked ones of 16 entries to `sum` [8].
ENDORM_AVX512 inline __m512d add_unmasked(__m512d sum, __m512 entries, unsigned mask) {
  const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(entries), 1));
  sum = _mm512_mask_add_pd(sum, static_cast<__mmask8>(mask), sum, _mm512_cvtps_pd(_mm512_castps512_ps256(entries)));
  return _mm512_mask_add_pd(sum, static_cast<__mmask8>(mask >> 8U), sum, _mm512_cvtps_pd(upper));
}

ENDORM_AVX512 inline unsigned unmasked_entries(__m512 entries) {
  return _mm512_cmp_ps_mask(entries, _mm512_set1_ps(kMasked), _CMP_NEQ_UQ);
}

ENDORM_AVX512 RowScan scan(std::span<const float> row) {
  __m512 maximum_even = _mm512_set1_ps(kMasked);
  __m512 maximum_odd = maximum_even;
  __m512d sum_even = _mm512_setzero_pd();
  __m512d sum_odd = sum_even;
  int unmasked = 0;
  unsigned refused = 0;
  std::size_t i = 0;
  for (; i + 2 * kFloats <= row.size(); i += 2 * kFloats) {
    const __m512 even = _mm512_loadu_ps(row.data() + i);
    const __m512 odd = _mm512_loadu_ps(row.data() + i + kFloats);
    refused |= static_cast<unsigned>(refused_entries(even)) | static_cast<unsigned>(refused_entries(odd));
    maximum_even = _mm512_max_ps(maximum_even, even);
    maximum_odd = _mm512_max_ps(maximum_odd, odd);
    const unsigned unmasked_even = unmasked_entries(even);
    const unsigned unmasked_odd = unmasked_entries(odd);
    sum_even = add_unmasked(sum_even, even, unmasked_even);
    sum_odd = add_unmasked(sum_odd, odd, unmasked_odd);
    unmasked += std::popcount(unmasked_even | (unmasked_odd << 16U));
  }
  for (; i < row.size(); i += kFloats) {
    const std::size_t left = row.size() - i;
    const __m512 tail = left < kFloats ? load_tail(row.data() + i, left) : _mm512_loadu_ps(row.data() + i);
    refused |= refused_entries(tail);
    maximum_even = _mm512_max_ps(maximum_even, tail);
    const unsigned unmasked_tail = unmasked_entries(tail);
    sum_even = add_unmasked(sum_even, tail, unmasked_tail);
    unmasked += std::popcount(unmasked_tail);
  }
  return {_mm512_reduce_max_ps(_mm512_max_ps(maximum_even, maximum_odd)), refused != 0,
          _mm512_reduce_add_pd(_mm512_add_pd(sum_even, sum_odd)), static_cast<std::size_t>(unmasked)};
}

// exp(d) for d <= 0 is 2^(n + j/16) * exp(r): n an integer, j = 0 .. 15, |r| <= ln 2 / 32. The table costs one shuffle
// and saves half of the series that a reduction to |r| <= ln 2 / 2 needs.
alignas(64) constexpr double kPowersOfTwo[16] = {
    0x1.p+0,
    0x1.0b5586cf9890fp+0,
    0x1.172b83c7d517bp+0,
    0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0,
    0x1.3dea64c123422p+0,
    0x1.4bfdad5362a27p+0,
    0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0,
    0x1.7a11473eb0187p+0,
    0x1.8ace5422aa0dbp+0,
    0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0,
    0x1.c199bdd85529cp+0,
    0x1.d5818dcfba487p+0,
    0x1.ea4afa2a490dap+0,
};
// Adding and subtracting 1.5 * 2^48 rounds to a multiple of 1/16 and leaves j in the low four bits of the sum.
constexpr double kRoundToSixteenth = 0x1.8p48;
// The Taylor series of exp(r) from 1/6! on: the first term left out is below 5e-16.
constexpr std::size_t kFirstTerm = std::size(kExpSeries) - 7;

// exp(d) [8] for finite d <= 0; below the smallest subnormal it is exactly 0.
ENDORM_AVX512 inline __m512d exponential(__m512d d) {
  const __m512d rounder = _mm512_set1_pd(kRoundToSixteenth);
  const __m512d rounded = _mm512_fmadd_pd(d, _mm512_set1_pd(kLog2OfE), rounder);
  const __m512d exponent = _mm512_sub_pd(rounded, rounder);
  __m512d r = _mm512_fnmadd_pd(exponent, _mm512_set1_pd(kLn2High), d);
  r = _mm512_fnmadd_pd(exponent, _mm512_set1_pd(kLn2Low), r);
  __m512d series = _mm512_set1_pd(kExpSeries[kFirstTerm]);
#pragma GCC unroll 16
  for (std::size_t k = kFirstTerm + 1; k < std::size(kExpSeries); ++k) {
    series = _mm512_fmadd_pd(series, r, _mm512_set1_pd(kExpSeries[k]));
  }
  const __m512d power = _mm512_permutex2var_pd(_mm512_load_pd(kPowersOfTwo), _mm512_castpd_si512(rounded),
                                               _mm512_load_pd(kPowersOfTwo + 8));
  // scalef multiplies by 2^floor(exponent).
  return _mm512_scalef_pd(_mm512_mul_pd(series, power), exponent);
}

// Where exp has long been 0 in double; it stands for -infinity, whose product with 0 would be NaN.
constexpr double kBelowUnderflow = -800.0;

struct Lanes {
  __m512d sum;
  __m512d weighted;
};

ENDORM_AVX512 inline void accumulate(Lanes& lanes, __m256 entries, __m512d maximum, __m512d inverse_alpha) {
  __m512d d = _mm512_mul_pd(_mm512_sub_pd(_mm512_cvtps_pd(entries), maximum), inverse_alpha);
  d = _mm512_max_pd(d, _mm512_set1_pd(kBelowUnderflow));
  const __m512d e = exponential(d);
  lanes.sum = _mm512_add_pd(lanes.sum, e);
  lanes.weighted = _mm512_fmadd_pd(e, d, lanes.weighted);
}

ENDORM_AVX512 inline void accumulate(Lanes& low, Lanes& high, __m512 entries, __m512d maximum, __m512d inverse_alpha) {
  const __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(entries), 1));
  accumulate(low, _mm512_castps512_ps256(entries), maximum, inverse_alpha);
  accumulate(high, upper, maximum, inverse_alpha);
}

ENDORM_AVX512 ExponentialSums exponential_sums(std::span<const float> block, double maximum, double inverse_alpha) {
  const __m512d maxima = _mm512_set1_pd(maximum);
  const __m512d scale = _mm512_set1_pd(inverse_alpha);
  Lanes a{_mm512_setzero_pd(), _mm512_setzero_pd()};
  Lanes b = a;
  Lanes c = a;
  Lanes d = a;
  std::size_t i = 0;
  for (; i + 2 * kFloats <= block.size(); i += 2 * kFloats) {
    accumulate(a, b, _mm512_loadu_ps(block.data() + i), maxima, scale);
    accumulate(c, d, _mm512_loadu_ps(block.data() + i + kFloats), maxima, scale);
  }
  for (; i < block.size(); i += kFloats) {
    const std::size_t left = block.size() - i;
    const __m512 tail = left < kFloats ? load_tail(block.data() + i, left) : _mm512_loadu_ps(block.data() + i);
    accumulate(a, b, tail, maxima, scale);
  }
  const __m512d sum = _mm512_add_pd(_mm512_add_pd(a.sum, b.sum), _mm512_add_pd(c.sum, d.sum));
  const __m512d weighted = _mm512_add_pd(_mm512_add_pd(a.weighted, b.weighted), _mm512_add_pd(c.weighted, d.weighted));
  return {_mm512_reduce_add_pd(sum), _mm512_reduce_add_pd(weighted)};
}

}  // namespace

const RowKernelFunctions kAvx512RowKernel{scan, exponential_sums};

}  // namespace endorm

#endif  // ENDORM_X86_KERNELS
