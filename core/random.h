#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace endorm {

// A seeded stream of random numbers: xoshiro256++ (Blackman and Vigna, 2019), its state filled by SplitMix64. next,
// uniform and below give the same bits on every platform; normal does up to the rounding of the library's logarithm.
// Not for secrets. One caller at a time.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed);

  // 64 uniform bits.
  std::uint64_t next();
  // Uniform on [0, 1), a multiple of 2^-53.
  double uniform();
  // Standard normal: mean 0, variance 1.
  double normal();
  // Uniform on 0 .. n - 1 without bias. Throws InvalidInput where n is 0.
  std::size_t below(std::size_t n);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace endorm
