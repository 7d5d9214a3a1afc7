#include "engine/accelerator/attention_kernels.h"

#if ENDORM_X86_ATTENTION

#include <limits>

#include <immintrin.h>

#define ENDORM_ATTENTION_TARGET __attribute__((target("avx2,fma,f16c")))
#include "engine/accelerator/attention_single.h"

namespace endorm {
namespace {

struct Avx2 {
  struct Vector {
    __m256 low;
    __m256 high;
  };

  // 6 rows of one column of two registers: 12 accumulators of the 16 registers.
  static constexpr std::size_t kMostColumns = 1;
  static constexpr std::size_t most_rows(std::size_t) { return 6; }

  ENDORM_ATTENTION_INLINE static Vector load(const float* lanes) {
    return {_mm256_load_ps(lanes), _mm256_load_ps(lanes + 8)};
  }
  ENDORM_ATTENTION_INLINE static Vector load_unaligned(const void* lanes) {
    const auto* floats = static_cast<const float*>(lanes);
    return {_mm256_loadu_ps(floats), _mm256_loadu_ps(floats + 8)};
  }
  ENDORM_ATTENTION_INLINE static void store(float* lanes, Vector x) {
    _mm256_store_ps(lanes, x.low);
    _mm256_store_ps(lanes + 8, x.high);
  }
  ENDORM_ATTENTION_INLINE static void store_unaligned(void* lanes, Vector x) {
    auto* floats = static_cast<float*>(lanes);
    _mm256_storeu_ps(floats, x.low);
    _mm256_storeu_ps(floats + 8, x.high);
  }
  ENDORM_ATTENTION_INLINE static Vector zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  ENDORM_ATTENTION_INLINE static Vector spread(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  ENDORM_ATTENTION_INLINE static Vector broadcast(const float* x) {
    const __m256 all = _mm256_broadcast_ss(x);
    return {all, all};
  }
  ENDORM_ATTENTION_INLINE static Vector add(Vector a, Vector b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  ENDORM_ATTENTION_INLINE static Vector subtract(Vector a, Vector b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  ENDORM_ATTENTION_INLINE static Vector multiply(Vector a, Vector b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  ENDORM_ATTENTION_INLINE static Vector multiply_add(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  ENDORM_ATTENTION_INLINE static Vector maximum(Vector a, Vector b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }

  ENDORM_ATTENTION_INLINE static __m256 hide_half(int seen) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i hidden = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(seen), bit), _mm256_setzero_si256());
    return _mm256_and_ps(_mm256_castsi256_ps(hidden), _mm256_set1_ps(-std::numeric_limits<float>::infinity()));
  }
  ENDORM_ATTENTION_INLINE static Vector hide(std::uint16_t seen) { return {hide_half(seen), hide_half(seen >> 8)}; }
  ENDORM_ATTENTION_INLINE static Vector load_f16(const void* entries) {
    const auto* halves = static_cast<const __m128i*>(entries);
    return {_mm256_cvtph_ps(_mm_loadu_si128(halves)), _mm256_cvtph_ps(_mm_loadu_si128(halves + 1))};
  }
  ENDORM_ATTENTION_INLINE static __m256 widen(__m128i entries) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(entries), 16));
  }
  ENDORM_ATTENTION_INLINE static Vector load_bf16(const void* entries) {
    const auto* halves = static_cast<const __m128i*>(entries);
    return {widen(_mm_loadu_si128(halves)), widen(_mm_loadu_si128(halves + 1))};
  }

  ENDORM_ATTENTION_INLINE static void transpose_eight(__m256 (&rows)[8]) {
    __m256 fours[8];  // fours[4 g + j]: column j of each half, of rows 4 g .. 4 g + 3
#pragma GCC unroll 2
    for (std::size_t g = 0; g < 8; g += 4) {
      const __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(rows[g], rows[g + 1]));
      const __m256d b = _mm256_castps_pd(_mm256_unpacklo_ps(rows[g + 2], rows[g + 3]));
      const __m256d c = _mm256_castps_pd(_mm256_unpackhi_ps(rows[g], rows[g + 1]));
      const __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(rows[g + 2], rows[g + 3]));
      fours[g] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
      fours[g + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
      fours[g + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(c, d));
      fours[g + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(c, d));
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      rows[j] = _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x20);
      rows[4 + j] = _mm256_permute2f128_ps(fours[j], fours[4 + j], 0x31);
    }
  }
  // Of 16 rows of 16: quarter by quarter, the two off the diagonal change places.
  ENDORM_ATTENTION_INLINE static void transpose(Vector (&rows)[kLanes]) {
    __m256 upper_left[8];
    __m256 upper_right[8];
    __m256 lower_left[8];
    __m256 lower_right[8];
    for (std::size_t i = 0; i < 8; ++i) {
      upper_left[i] = rows[i].low;
      upper_right[i] = rows[i].high;
      lower_left[i] = rows[8 + i].low;
      lower_right[i] = rows[8 + i].high;
    }
    transpose_eight(upper_left);
    transpose_eight(upper_right);
    transpose_eight(lower_left);
    transpose_eight(lower_right);
    for (std::size_t i = 0; i < 8; ++i) {
      rows[i] = {upper_left[i], lower_left[i]};
      rows[8 + i] = {upper_right[i], lower_right[i]};
    }
  }

  // 2^n for integers -126 <= n <= 0.
  ENDORM_ATTENTION_INLINE static __m256 integer_power(__m256 n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
  }

  // 2^x for x <= 0, with 0 below kSmallestPower; NaN stays NaN.
  ENDORM_ATTENTION_INLINE static __m256 power_half(__m256 x) {
    const __m256 smallest = _mm256_set1_ps(kSmallestPower);
    const __m256 kept = _mm256_cmp_ps(x, smallest, _CMP_NLT_UQ);
    const __m256 n = _mm256_round_ps(_mm256_max_ps(smallest, x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 r = _mm256_sub_ps(x, n);
    __m256 series = _mm256_set1_ps(kPowerSeries[0]);
#pragma GCC unroll 8
    for (std::size_t i = 1; i < sizeof(kPowerSeries) / sizeof(float); ++i) {
      series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(kPowerSeries[i]));
    }
    series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(1.0F));
    return _mm256_and_ps(kept, _mm256_mul_ps(series, integer_power(n)));
  }
  ENDORM_ATTENTION_INLINE static Vector power(Vector x) { return {power_half(x.low), power_half(x.high)}; }

  // cap * tanh(x) of t = 2 x / ln 2. With e = 2^-|t| - 1, tanh(|x|) = -e / (2 + e): no digits are lost near 0.
  ENDORM_ATTENTION_INLINE static __m256 soft_cap_half(__m256 t, float cap) {
    const __m256 sign_bit = _mm256_set1_ps(-0.0F);
    const __m256 one = _mm256_set1_ps(1.0F);
    const __m256 u = _mm256_max_ps(_mm256_set1_ps(-64.0F), _mm256_or_ps(t, sign_bit));
    const __m256 n = _mm256_round_ps(u, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 r = _mm256_sub_ps(u, n);
    __m256 series = _mm256_set1_ps(kLongPowerSeries[0]);
#pragma GCC unroll 8
    for (std::size_t i = 1; i < sizeof(kLongPowerSeries) / sizeof(float); ++i) {
      series = _mm256_fmadd_ps(series, r, _mm256_set1_ps(kLongPowerSeries[i]));
    }
    const __m256 power = integer_power(n);
    const __m256 e = _mm256_fmadd_ps(power, _mm256_mul_ps(series, r), _mm256_sub_ps(power, one));
    const __m256 size = _mm256_div_ps(_mm256_mul_ps(e, _mm256_set1_ps(cap)), _mm256_add_ps(e, _mm256_set1_ps(2.0F)));
    return _mm256_or_ps(_mm256_andnot_ps(sign_bit, size), _mm256_and_ps(t, sign_bit));
  }
  ENDORM_ATTENTION_INLINE static Vector soft_cap(Vector t, float cap) {
    return {soft_cap_half(t.low, cap), soft_cap_half(t.high, cap)};
  }
};

ENDORM_ATTENTION_TARGET bool read_mask(const std::uint16_t* first_row, std::size_t stride, std::size_t rows,
                                       std::size_t keys, std::uint16_t* bits) {
  constexpr std::size_t kCells = 16;
  const __m256i hidden = _mm256_set1_epi16(static_cast<short>(0xFC00));
  const __m256i without_sign = _mm256_set1_epi16(0x7FFF);
  __m256i values = _mm256_setzero_si256();
  for (std::size_t key = 0; key < keys; key += kCells) {
    const std::size_t count = keys - key < kCells ? keys - key : kCells;
    __m256i seen_by = _mm256_setzero_si256();
    for (std::size_t row = 0; row < rows; ++row) {
      const std::byte* cells = bytes(first_row + key) + row * stride;
      alignas(32) std::uint16_t rest[kCells] = {};
      if (count < kCells) {
        std::memcpy(rest, cells, count * sizeof(std::uint16_t));
        cells = bytes(rest);
      }
      const __m256i cell = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(cells));
      const __m256i masked = _mm256_cmpeq_epi16(cell, hidden);
      values = _mm256_or_si256(values, _mm256_andnot_si256(masked, _mm256_and_si256(cell, without_sign)));
      seen_by = _mm256_or_si256(seen_by, _mm256_andnot_si256(masked, _mm256_set1_epi16(static_cast<short>(1U << row))));
    }
    alignas(32) std::uint16_t found[kCells];
    _mm256_store_si256(reinterpret_cast<__m256i*>(found), seen_by);
    std::memcpy(bits + key, found, count * sizeof(std::uint16_t));
  }
  return _mm256_testz_si256(values, values) == 0;
}

}  // namespace

const AttentionKernelFunctions kAvx2Attention{read_mask, run_tile<Avx2>};

}  // namespace endorm

#endif  // ENDORM_X86_ATTENTION
