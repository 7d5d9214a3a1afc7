#pragma once

#include <cstddef>
#include <span>

// Inside core/ only: the two passes over a row of logits that log_sum_exp.cpp is made of, one set for each instruction
// set. Every kernel is compiled into every x86-64 build by function target attributes; which may be called is decided
// at run time.
#if (defined(__x86_64__) || defined(__amd64__)) && defined(__GNUC__)
#define ENDORM_X86_KERNELS 1
#else
#define ENDORM_X86_KERNELS 0
#endif

namespace endorm {

// A row as it is, before any exponential. All but has_refused_entry is meaningless where that is true.
struct RowScan {
  float maximum;             // of the entries of the row
  bool has_refused_entry;    // the row holds a NaN or +infinity
  double sum = 0.0;          // of the entries that are not -infinity
  std::size_t unmasked = 0;  // how many these are
};

// With d_a = (x_a - maximum) * inverse_alpha <= 0, in double.
struct ExponentialSums {
  double sum = 0.0;       // sum_a exp(d_a)
  double weighted = 0.0;  // sum_a exp(d_a) * d_a, where an entry of -infinity adds 0
};

struct RowKernelFunctions {
  RowScan (*scan)(std::span<const float> row);  // row [V], V >= 1
  // A term below the smallest normal double may be taken as 0: the sum over the whole row is at least 1.
  ExponentialSums (*exponential_sums)(std::span<const float> block, double maximum, double inverse_alpha);
};

extern const RowKernelFunctions kPortableRowKernel;
#if ENDORM_X86_KERNELS
extern const RowKernelFunctions kAvx2RowKernel;    // needs AVX2 and FMA
extern const RowKernelFunctions kAvx512RowKernel;  // needs AVX-512 F
#endif

inline constexpr double kLog2OfE = 0x1.71547652b82fep0;
// ln 2 in two parts; with fused multiply-adds, d - n * ln 2 keeps all bits of a small difference.
inline constexpr double kLn2High = 0x1.62e42fefa39efp-1;
inline constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;
// 1 / k! for k = 12 .. 0: the Taylor series of exp(r) in Horner's order.
inline constexpr double kExpSeries[] = {
    1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0, 1.0 / 362880.0, 1.0 / 40320.0, 1.0 / 5040.0, 1.0 / 720.0,
    1.0 / 120.0,       1.0 / 24.0,       1.0 / 6.0,       1.0 / 2.0,      1.0,           1.0};

}  // namespace endorm
