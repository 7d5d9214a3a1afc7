#include "engine/accelerator/attention_kernels.h"

#if ENDORM_X86_ATTENTION

// GCC 12 takes the deliberately undefined registers inside its own AVX-512 intrinsics for uninitialised variables.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <limits>

#include <immintrin.h>

#define ENDORM_ATTENTION_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#include "engine/accelerator/attention_single.h"

namespace endorm {
namespace {

struct Avx512 {
  using Vector = __m512;

  static constexpr std::size_t kMostColumns = 4;
  // rows * columns accumulators, a row of lanes and an entry fill the 32 registers.
  static constexpr std::size_t most_rows(std::size_t columns) {
    constexpr std::size_t kRows[] = {12, 12, 8, 6};
    return kRows[columns - 1];
  }

  ENDORM_ATTENTION_INLINE static Vector load(const float* lanes) { return _mm512_load_ps(lanes); }
  ENDORM_ATTENTION_INLINE static Vector load_unaligned(const void* lanes) { return _mm512_loadu_ps(lanes); }
  ENDORM_ATTENTION_INLINE static void store(float* lanes, Vector x) { _mm512_store_ps(lanes, x); }
  ENDORM_ATTENTION_INLINE static void store_unaligned(void* lanes, Vector x) { _mm512_storeu_ps(lanes, x); }
  ENDORM_ATTENTION_INLINE static Vector zero() { return _mm512_setzero_ps(); }
  ENDORM_ATTENTION_INLINE static Vector spread(float x) { return _mm512_set1_ps(x); }
  ENDORM_ATTENTION_INLINE static Vector broadcast(const float* x) { return _mm512_set1_ps(*x); }
  ENDORM_ATTENTION_INLINE static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
  ENDORM_ATTENTION_INLINE static Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
  ENDORM_ATTENTION_INLINE static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
  ENDORM_ATTENTION_INLINE static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  ENDORM_ATTENTION_INLINE static Vector maximum(Vector a, Vector b) { return _mm512_max_ps(a, b); }

  ENDORM_ATTENTION_INLINE static Vector hide(std::uint16_t seen) {
    return _mm512_mask_mov_ps(_mm512_set1_ps(-std::numeric_limits<float>::infinity()), seen, _mm512_setzero_ps());
  }
  ENDORM_ATTENTION_INLINE static Vector load_f16(const void* entries) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(entries)));
  }
  ENDORM_ATTENTION_INLINE static Vector load_bf16(const void* entries) {
    const __m256i halves = _mm256_loadu_si256(static_cast<const __m256i*>(entries));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }

  // Of 16 rows of 16: first within each group of four rows, then of the groups.
  ENDORM_ATTENTION_INLINE static void transpose(Vector (&rows)[kLanes]) {
    __m512 fours[16];  // fours[4 g + j]: column j of each quarter, of rows 4 g .. 4 g + 3
#pragma GCC unroll 4
    for (std::size_t g = 0; g < 16; g += 4) {
      const __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(rows[g], rows[g + 1]));
      const __m512d b = _mm512_castps_pd(_mm512_unpacklo_ps(rows[g + 2], rows[g + 3]));
      const __m512d c = _mm512_castps_pd(_mm512_unpackhi_ps(rows[g], rows[g + 1]));
      const __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(rows[g + 2], rows[g + 3]));
      fours[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
      fours[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
      fours[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(c, d));
      fours[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(c, d));
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      const __m512 a = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0x44);
      const __m512 b = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0x44);
      const __m512 c = _mm512_shuffle_f32x4(fours[j], fours[4 + j], 0xEE);
      const __m512 d = _mm512_shuffle_f32x4(fours[8 + j], fours[12 + j], 0xEE);
      rows[j] = _mm512_shuffle_f32x4(a, b, 0x88);
      rows[4 + j] = _mm512_shuffle_f32x4(a, b, 0xDD);
      rows[8 + j] = _mm512_shuffle_f32x4(c, d, 0x88);
      rows[12 + j] = _mm512_shuffle_f32x4(c, d, 0xDD);
    }
  }

  // 2^x for x <= 0, with 0 below kSmallestPower; NaN stays NaN.
  ENDORM_ATTENTION_INLINE static Vector power(Vector x) {
    const __mmask16 kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kSmallestPower), _CMP_NLT_UQ);
    const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 r = _mm512_sub_ps(x, n);
    __m512 series = _mm512_set1_ps(kPowerSeries[0]);
#pragma GCC unroll 8
    for (std::size_t i = 1; i < sizeof(kPowerSeries) / sizeof(float); ++i) {
      series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(kPowerSeries[i]));
    }
    series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
    return _mm512_maskz_scalef_ps(kept, series, n);
  }

  // cap * tanh(x) of t = 2 x / ln 2. With e = 2^-|t| - 1, tanh(|x|) = -e / (2 + e): no digits are lost near 0.
  ENDORM_ATTENTION_INLINE static Vector soft_cap(Vector t, float cap) {
    const __m512 sign_bit = _mm512_set1_ps(-0.0F);
    const __m512 u = _mm512_max_ps(_mm512_set1_ps(-64.0F), _mm512_or_ps(t, sign_bit));
    const __m512 n = _mm512_roundscale_ps(u, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 r = _mm512_sub_ps(u, n);
    __m512 series = _mm512_set1_ps(kLongPowerSeries[0]);
#pragma GCC unroll 8
    for (std::size_t i = 1; i < sizeof(kLongPowerSeries) / sizeof(float); ++i) {
      series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(kLongPowerSeries[i]));
    }
    const __m512 power = _mm512_scalef_ps(_mm512_set1_ps(1.0F), n);
    const __m512 e = _mm512_fmadd_ps(power, _mm512_mul_ps(series, r), _mm512_sub_ps(power, _mm512_set1_ps(1.0F)));
    const __m512 size = _mm512_div_ps(_mm512_mul_ps(e, _mm512_set1_ps(cap)), _mm512_add_ps(e, _mm512_set1_ps(2.0F)));
    return _mm512_or_ps(_mm512_andnot_ps(sign_bit, size), _mm512_and_ps(t, sign_bit));
  }
};

ENDORM_ATTENTION_TARGET bool read_mask(const std::uint16_t* first_row, std::size_t stride, std::size_t rows,
                                       std::size_t keys, std::uint16_t* bits) {
  constexpr std::size_t kCells = 32;
  const __m512i hidden = _mm512_set1_epi16(static_cast<short>(0xFC00));
  __mmask32 values = 0;
  for (std::size_t key = 0; key < keys; key += kCells) {
    const __mmask32 there = keys - key < kCells ? (1U << (keys - key)) - 1U : ~0U;
    __m512i seen_by = _mm512_setzero_si512();
    for (std::size_t row = 0; row < rows; ++row) {
      const std::byte* cells = bytes(first_row + key) + row * stride;
      const __m512i cell = _mm512_maskz_loadu_epi16(there, cells);
      const __mmask32 seen = _mm512_cmpneq_epi16_mask(cell, hidden);
      values |= _mm512_mask_test_epi16_mask(seen, cell, _mm512_set1_epi16(0x7FFF));
      seen_by = _mm512_or_si512(seen_by, _mm512_maskz_set1_epi16(seen, static_cast<short>(1U << row)));
    }
    _mm512_mask_storeu_epi16(bits + key, there, seen_by);
  }
  return values != 0;
}

}  // namespace

const AttentionKernelFunctions kAvx512Attention{read_mask, run_tile<Avx512>};

}  // namespace endorm

#endif  // ENDORM_X86_ATTENTION
