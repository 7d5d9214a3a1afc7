#include <cmath>
#include <limits>

#include "engine/accelerator/attention_kernels.h"

#define ENDORM_ATTENTION_TARGET
#include "engine/accelerator/attention_single.h"

namespace endorm {
namespace {

float from_f16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t rest = half & 0x7FFFU;
  if (rest >= 0x7C00U) {
    return std::bit_cast<float>(sign | 0x7F800000U | (rest << 13U));
  }
  // The exponent is read as one of f32, whose bias is larger by 112; this way subnormal numbers come out right too.
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(std::bit_cast<float>(rest << 13U) * 0x1p112F));
}

// Vectors of the compiler's own, which it maps to those of whatever processor it compiles for.
struct Portable {
  using Four = float __attribute__((vector_size(16)));
  static constexpr std::size_t kParts = kLanes / 4;
  struct Vector {
    Four part[kParts];
  };

  static constexpr std::size_t kMostColumns = 1;
  static constexpr std::size_t most_rows(std::size_t) {
#if defined(__x86_64__)
    return 2;  // 8 accumulators of 16 registers
#else
    return 6;  // 24 of 32
#endif
  }

  template <typename Entry>
  static Vector each(const Entry& entry) {
    alignas(16) float lanes[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = entry(i);
    }
    return load(lanes);
  }
  template <typename Operation>
  static Vector parts(const Operation& operation) {
    return {{operation(0), operation(1), operation(2), operation(3)}};
  }

  static Vector load(const float* lanes) { return load_unaligned(lanes); }
  static Vector load_unaligned(const void* lanes) {
    return parts([&](std::size_t i) {
      Four four;
      std::memcpy(&four, bytes(lanes) + i * sizeof(Four), sizeof(Four));
      return four;
    });
  }
  static void store(float* lanes, const Vector& x) { store_unaligned(lanes, x); }
  static void store_unaligned(void* lanes, const Vector& x) { std::memcpy(lanes, &x, sizeof(x)); }
  static Vector zero() { return spread(0.0F); }
  static Vector spread(float x) {
    return parts([&](std::size_t) { return Four{x, x, x, x}; });
  }
  static Vector broadcast(const float* x) { return spread(*x); }
  static Vector add(const Vector& a, const Vector& b) {
    return parts([&](std::size_t i) { return a.part[i] + b.part[i]; });
  }
  static Vector subtract(const Vector& a, const Vector& b) {
    return parts([&](std::size_t i) { return a.part[i] - b.part[i]; });
  }
  static Vector multiply(const Vector& a, const Vector& b) {
    return parts([&](std::size_t i) { return a.part[i] * b.part[i]; });
  }
  static Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) {
    return parts([&](std::size_t i) { return a.part[i] * b.part[i] + c.part[i]; });
  }
  static Vector maximum(const Vector& a, const Vector& b) {
    return parts([&](std::size_t i) { return a.part[i] > b.part[i] ? a.part[i] : b.part[i]; });
  }
  static void transpose(Vector (&rows)[kLanes]) {
    float square[kLanes][kLanes];
    std::memcpy(square, rows, sizeof(square));
    for (std::size_t i = 0; i < kLanes; ++i) {
      rows[i] = each([&](std::size_t j) { return square[j][i]; });
    }
  }
  static Vector hide(std::uint16_t seen) {
    return each([&](std::size_t i) { return (seen >> i & 1) != 0 ? 0.0F : -std::numeric_limits<float>::infinity(); });
  }
  static Vector load_f16(const void* entries) {
    std::uint16_t halves[kLanes];
    std::memcpy(halves, entries, sizeof(halves));
    return each([&](std::size_t i) { return from_f16(halves[i]); });
  }
  static Vector load_bf16(const void* entries) {
    std::uint16_t halves[kLanes];
    std::memcpy(halves, entries, sizeof(halves));
    return each([&](std::size_t i) { return std::bit_cast<float>(static_cast<std::uint32_t>(halves[i]) << 16U); });
  }

  // 2^x for x <= 0, with 0 below kSmallestPower; NaN stays NaN.
  static float power_of_lane(float x) {
    constexpr float kRounder = 0x1.8p23F;  // added and subtracted, it rounds to the nearest integer
    const float held = x < kSmallestPower ? kSmallestPower : x;
    const float rounded = held + kRounder;
    const float n = rounded - kRounder;
    const float r = held - n;
    float series = kPowerSeries[0];
    for (std::size_t i = 1; i < sizeof(kPowerSeries) / sizeof(float); ++i) {
      series = series * r + kPowerSeries[i];
    }
    series = series * r + 1.0F;
    const std::uint32_t exponent =
        std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(kRounder) + 127U;
    const float result = series * std::bit_cast<float>(exponent << 23U);
    return x < kSmallestPower ? 0.0F : result;
  }
  static Vector power(const Vector& x) {
    alignas(16) float lanes[kLanes];
    store(lanes, x);
    return each([&](std::size_t i) { return power_of_lane(lanes[i]); });
  }

  // cap * tanh(x) of t = 2 x / ln 2.
  static Vector soft_cap(const Vector& t, float cap) {
    constexpr float kHalfLn2 = 0x1.62e430p-2F;
    alignas(16) float lanes[kLanes];
    store(lanes, t);
    return each([&](std::size_t i) { return cap * std::tanh(lanes[i] * kHalfLn2); });
  }
};

bool read_mask(const std::uint16_t* first_row, std::size_t stride, std::size_t rows, std::size_t keys,
               std::uint16_t* bits) {
  constexpr std::uint16_t kHidden = 0xFC00;
  std::memset(bits, 0, keys * sizeof(std::uint16_t));
  unsigned values = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto* cells = reinterpret_cast<const std::uint16_t*>(bytes(first_row) + row * stride);
    for (std::size_t key = 0; key < keys; ++key) {
      const unsigned seen = cells[key] == kHidden ? 0U : 0xFFFFU;
      values |= seen & cells[key] & 0x7FFFU;
      bits[key] = static_cast<std::uint16_t>(bits[key] | (seen & 1U << row));
    }
  }
  return values != 0;
}

}  // namespace

const AttentionKernelFunctions kPortableAttention{read_mask, run_tile<Portable>};

}  // namespace endorm
