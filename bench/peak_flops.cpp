#include "bench/peak_flops.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#if (defined(__x86_64__) || defined(__amd64__)) && defined(__GNUC__)
#include <immintrin.h>
#define ENDORM_X86_PEAKS 1
#else
#define ENDORM_X86_PEAKS 0
#endif

namespace endorm {
namespace {

// More than latency x ports on every processor of today, and they fit the registers: every loop over them is unrolled,
// or the compiler keeps them in memory and the ceiling comes out at half.
constexpr int kChains = 12;
constexpr long kSteps = 4'000'000;
constexpr int kRepeats = 20;

using Loop = float (*)(long steps);

#if ENDORM_X86_PEAKS
// A loop over chains in registers, with instructions that the rest of the program is not compiled for: `step` moves a
// chain on. The empty asm keeps the compiler from merging or dropping chains.
#define ENDORM_PEAK_LOOP(name, instructions, Vector, constants, start, step)                             \
  __attribute__((target(instructions))) float name(long steps) {                                         \
    constants;                                                                                           \
    Vector chains[kChains];                                                                              \
    _Pragma("GCC unroll 12") for (Vector & chain : chains) { chain = start; }                            \
    for (long i = 0; i < steps; ++i) {                                                                   \
      _Pragma("GCC unroll 12") for (Vector & chain : chains) {                                           \
        chain = step;                                                                                    \
        asm volatile("" : "+v"(chain));                                                                  \
      }                                                                                                  \
    }                                                                                                    \
    float sum = 0.0F;                                                                                    \
    _Pragma("GCC unroll 12") for (const Vector& chain : chains) { sum += static_cast<float>(chain[0]); } \
    return sum;                                                                                          \
  }

ENDORM_PEAK_LOOP(loop_avx512, "avx512f", __m512, const __m512 factor = _mm512_set1_ps(0.999F);
                 const __m512 term = _mm512_set1_ps(0.001F), _mm512_set1_ps(1.0F), _mm512_fmadd_ps(chain, factor, term))
ENDORM_PEAK_LOOP(loop_avx512_bf16, "avx512f,avx512bf16", __m512,
                 const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.25F)),
                 _mm512_set1_ps(1.0F), _mm512_dpbf16_ps(chain, factor, factor))
ENDORM_PEAK_LOOP(loop_avx512_int8, "avx512f,avx512vnni", __m512i, const __m512i factor = _mm512_set1_epi32(1),
                 _mm512_setzero_si512(), _mm512_dpbusd_epi32(chain, factor, factor))
ENDORM_PEAK_LOOP(loop_avx_int8, "avx2,avxvnni", __m256i, const __m256i factor = _mm256_set1_epi32(1),
                 _mm256_setzero_si256(), _mm256_dpbusd_avx_epi32(chain, factor, factor))
ENDORM_PEAK_LOOP(loop_avx2, "avx2,fma", __m256, const __m256 factor = _mm256_set1_ps(0.999F);
                 const __m256 term = _mm256_set1_ps(0.001F), _mm256_set1_ps(1.0F), _mm256_fmadd_ps(chain, factor, term))
#endif

float loop_scalar(long steps) {
  float chains[kChains];
  std::fill(std::begin(chains), std::end(chains), 1.0F);
  for (long step = 0; step < steps; ++step) {
    for (float& chain : chains) {
      chain = chain * 0.999F + 0.001F;
    }
  }
  float sum = 0.0F;
  for (const float chain : chains) {
    sum += chain;
  }
  return sum;
}

// Best of a few runs: the ceiling is what the processor can do, not what a busy neighbour leaves.
double gflops(Loop loop, double flops_a_step, int threads) {
  double best = 0.0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    float sink = 0.0F;
#pragma omp parallel for num_threads(threads) reduction(+ : sink) schedule(static, 1)
    for (int thread = 0; thread < threads; ++thread) {
      sink += loop(kSteps);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    volatile float keep = sink;
    static_cast<void>(keep);
    best = std::max(best, flops_a_step * kSteps * threads / took.count() * 1e-9);
  }
  return best;
}

}  // namespace

double peak_f32_gflops(int threads) {
#if ENDORM_X86_PEAKS
  if (__builtin_cpu_supports("avx512f")) {
    return gflops(loop_avx512, 2.0 * 16 * kChains, threads);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return gflops(loop_avx2, 2.0 * 8 * kChains, threads);
  }
#endif
  return gflops(loop_scalar, 2.0 * kChains, threads);
}

std::optional<double> peak_bf16_gflops(int threads) {
#if ENDORM_X86_PEAKS
  if (__builtin_cpu_supports("avx512bf16")) {
    return gflops(loop_avx512_bf16, 4.0 * 16 * kChains, threads);
  }
#endif
  static_cast<void>(threads);
  return std::nullopt;
}

std::optional<double> peak_int8_gflops(int threads) {
#if ENDORM_X86_PEAKS
  if (__builtin_cpu_supports("avx512vnni")) {
    return gflops(loop_avx512_int8, 2.0 * 64 * kChains, threads);
  }
  if (__builtin_cpu_supports("avxvnni")) {
    return gflops(loop_avx_int8, 2.0 * 32 * kChains, threads);
  }
#endif
  static_cast<void>(threads);
  return std::nullopt;
}

}  // namespace endorm
