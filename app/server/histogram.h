#pragma once

#include <array>
#include <cstddef>

namespace endorm {

// How often a number was at most each of some borders.
template <std::size_t kCount>
struct Histogram {
  explicit Histogram(const std::array<double, kCount>& of) : borders(of) {}

  void add(double value) {
    for (std::size_t i = 0; i < kCount; ++i) {
      at_most[i] += value <= borders[i] ? 1 : 0;
    }
    ++count;
    sum += value;
  }

  std::array<double, kCount> borders;
  std::array<std::size_t, kCount> at_most{};
  std::size_t count = 0;
  double sum = 0.0;
};

// Seconds of requests and of their parts.
inline constexpr std::array<double, 11> kSecondBorders = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                          0.5,   1.0,  2.5,   10.0, 60.0};
inline constexpr std::array<double, 9> kTokenBorders = {16, 64, 256, 1024, 2048, 4096, 8192, 16384, 65536};
using SecondsHistogram = Histogram<kSecondBorders.size()>;
using TokensHistogram = Histogram<kTokenBorders.size()>;

}  // namespace endorm
