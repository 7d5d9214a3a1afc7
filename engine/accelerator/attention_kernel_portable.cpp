#include <cmath>
#include <limits>

#include "engine/accelerator/attention_kernels.h"

#define ENDORM_ATTENTION_TARGET
#include "engine/accelerator/attention_tile.h"

namespace endorm {
namespace {

float from_f16(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t rest = half & 0x7FFFU;
  if (rest >= 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U | (rest << 13U));
  // The exponent is read as one of f32, whose bias is larger by 112; this way subnormal numbers come out right too.
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(std::bit_cast<float>(rest << 13U) * 0x1p112F));
}

// Loops that compilers turn into the vectors of whatever processor they compile for.
struct Portable {
  struct Vector {
    float lane[kLanes];
  };

  static constexpr std::size_t kMostColumns = 1;
  static constexpr std::size_t most_rows(std::size_t) { return 2; }

  template <typename Entry>
  static Vector each(const Entry& entry) {
    Vector x;
    for (std::size_t i = 0; i < kLanes; ++i) x.lane[i] = entry(i);
    return x;
  }

  static Vector load(const float* lanes) { return load_unaligned(lanes); }
  static Vector load_unaligned(const void* lanes) {
    Vector x;
    std::memcpy(x.lane, lanes, sizeof(x.lane));
    return x;
  }
  static void store(float* lanes, const Vector& x) { std::memcpy(lanes, x.lane, sizeof(x.lane)); }
  static Vector zero() { return spread(0.0F); }
  static Vector spread(float x) {
    return each([&](std::size_t) { return x; });
  }
  static Vector broadcast(const float* x) { return spread(*x); }
  static Vector add(const Vector& a, const Vector& b) {
    return each([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
  }
  static Vector subtract(const Vector& a, const Vector& b) {
    return each([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
  }
  static Vector multiply(const Vector& a, const Vector& b) {
    return each([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
  }
  static Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) {
    return each([&](std::size_t i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
  }
  static Vector maximum(const Vector& a, const Vector& b) {
    return each([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
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
    for (std::size_t i = 1; i < sizeof(kPowerSeries) / sizeof(float); ++i) series = series * r + kPowerSeries[i];
    series = series * r + 1.0F;
    const std::uint32_t exponent =
        std::bit_cast<std::uint32_t>(rounded) - std::bit_cast<std::uint32_t>(kRounder) + 127U;
    const float result = series * std::bit_cast<float>(exponent << 23U);
    return x < kSmallestPower ? 0.0F : result;
  }
  static Vector power(const Vector& x) {
    return each([&](std::size_t i) { return power_of_lane(x.lane[i]); });
  }

  // cap * tanh(x) of t = 2 x / ln 2.
  static Vector soft_cap(const Vector& t, float cap) {
    constexpr float kHalfLn2 = 0x1.62e430p-2F;
    return each([&](std::size_t i) { return cap * std::tanh(t.lane[i] * kHalfLn2); });
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

void run(const AttentionWork& work, float* scratch) { Tile<Portable>(work, scratch).run(); }

}  // namespace

const AttentionKernelFunctions kPortableAttention{read_mask, run};

}  // namespace endorm
