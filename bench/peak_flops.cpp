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

// Keeps the compiler from merging or dropping chains.
template <typename Vector>
inline void opaque(Vector& vector) {
  asm volatile("" : "+x"(vector));
}

#if ENDORM_X86_PEAKS
__attribute__((target("avx512f"))) float loop_avx512(long steps) {
  __m512 chains[kChains];
  const __m512 factor = _mm512_set1_ps(0.999F);
  const __m512 term = _mm512_set1_ps(0.001F);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    chains[c] = _mm512_set1_ps(1.0F);
  }
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = _mm512_fmadd_ps(chains[c], factor, term);
      asm volatile("" : "+v"(chains[c]));
    }
  }
  float sum = 0.0F;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    sum += chains[c][0];
  }
  return sum;
}

__attribute__((target("avx512f,avx512bf16"))) float loop_avx512_bf16(long steps) {
  __m512 chains[kChains];
  const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.25F));
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    chains[c] = _mm512_set1_ps(1.0F);
  }
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = _mm512_dpbf16_ps(chains[c], factor, factor);
      asm volatile("" : "+v"(chains[c]));
    }
  }
  float sum = 0.0F;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    sum += chains[c][0];
  }
  return sum;
}

__attribute__((target("avx512f,avx512vnni"))) float loop_avx512_int8(long steps) {
  __m512i chains[kChains];
  const __m512i factor = _mm512_set1_epi32(1);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    chains[c] = _mm512_setzero_si512();
  }
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = _mm512_dpbusd_epi32(chains[c], factor, factor);
      asm volatile("" : "+v"(chains[c]));
    }
  }
  float sum = 0.0F;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    sum += static_cast<float>(chains[c][0] & 0xff);
  }
  return sum;
}

__attribute__((target("avx2,avxvnni"))) float loop_avx_int8(long steps) {
  __m256i chains[kChains];
  const __m256i factor = _mm256_set1_epi32(1);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    chains[c] = _mm256_setzero_si256();
  }
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = _mm256_dpbusd_avx_epi32(chains[c], factor, factor);
      asm volatile("" : "+v"(chains[c]));
    }
  }
  float sum = 0.0F;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    sum += static_cast<float>(chains[c][0] & 0xff);
  }
  return sum;
}

__attribute__((target("avx2,fma"))) float loop_avx2(long steps) {
  __m256 chains[kChains];
  const __m256 factor = _mm256_set1_ps(0.999F);
  const __m256 term = _mm256_set1_ps(0.001F);
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    chains[c] = _mm256_set1_ps(1.0F);
  }
  for (long step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      chains[c] = _mm256_fmadd_ps(chains[c], factor, term);
      opaque(chains[c]);
    }
  }
  float sum = 0.0F;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) {
    sum += chains[c][0];
  }
  return sum;
}
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
