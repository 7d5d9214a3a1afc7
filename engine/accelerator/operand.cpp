#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/errors.h"
#include "engine/accelerator/per_processor.h"
#include "engine/accelerator/products.h"

namespace endorm {
namespace {

// Round to nearest, ties to even; NaN stays NaN.
ENDORM_PER_PROCESSOR void to_bf16(const float* x, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, x + i, sizeof bits);
    const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16U) & 1U)) >> 16U;
    const std::uint32_t quiet_nan = (bits >> 16U) | 0x40U;
    out[i] = static_cast<std::uint16_t>((bits & 0x7fffffffU) > 0x7f800000U ? quiet_nan : rounded);
  }
}

#if defined(__FLT16_MAX__)
ENDORM_PER_PROCESSOR void to_f16(const float* x, std::size_t count, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto half = static_cast<_Float16>(x[i]);
    std::memcpy(out + i, &half, sizeof half);
  }
}
#endif

// Butterflies of a Hadamard transform between numbers `half` apart, in blocks of plain memory.
void rotate_plain(float* row, std::size_t width, std::size_t block, float norm) {
  for (std::size_t half = 1; half < block; half *= 2) {
    for (std::size_t pair = 0; pair < width; pair += 2 * half) {
      for (std::size_t i = pair; i < pair + half; ++i) {
        const float sum = row[i] + row[i + half];
        const float difference = row[i] - row[i + half];
        row[i] = sum;
        row[i + half] = difference;
      }
    }
  }
  for (std::size_t i = 0; i < width; ++i) {
    row[i] *= norm;
  }
}

#if defined(__GNUC__) && !defined(__clang__)
// The same in registers: inside sixteen numbers the butterflies are shuffles of one vector, between them whole vectors.
constexpr std::size_t kShuffled = 16;
using Sixteen = float __attribute__((vector_size(64)));
using SixteenPlaces = std::int32_t __attribute__((vector_size(64)));

#define ENDORM_BUTTERFLY(half)                    \
  {                                               \
    SixteenPlaces partner;                        \
    Sixteen sign;                                 \
    for (std::int32_t i = 0; i < 16; ++i) {       \
      partner[i] = i ^ (half);                    \
      sign[i] = (i & (half)) != 0 ? -1.0F : 1.0F; \
    }                                             \
    x = x * sign + __builtin_shuffle(x, partner); \
  }

template <std::size_t kVectors>
[[gnu::always_inline]] inline void rotate_in_registers(float* row, std::size_t width, float norm) {
  for (std::size_t begin = 0; begin < width; begin += kVectors * kShuffled) {
    Sixteen all[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      Sixteen x;
      std::memcpy(&x, row + begin + v * kShuffled, sizeof x);
      ENDORM_BUTTERFLY(1)
      ENDORM_BUTTERFLY(2)
      ENDORM_BUTTERFLY(4)
      ENDORM_BUTTERFLY(8)
      all[v] = x;
    }
#pragma GCC unroll 4
    for (std::size_t half = 1; half < kVectors; half *= 2) {
#pragma GCC unroll 8
      for (std::size_t pair = 0; pair < kVectors / 2; ++pair) {
        const std::size_t v = pair / half * 2 * half + pair % half;
        const Sixteen sum = all[v] + all[v + half];
        all[v + half] = all[v] - all[v + half];
        all[v] = sum;
      }
    }
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Sixteen x = all[v] * norm;
      std::memcpy(row + begin + v * kShuffled, &x, sizeof x);
    }
  }
}
#undef ENDORM_BUTTERFLY

// False where the blocks are smaller than a vector.
ENDORM_PER_PROCESSOR bool rotate_vectors(float* row, std::size_t width, std::size_t block, float norm) {
  switch (block / kShuffled) {
    case 1:
      rotate_in_registers<1>(row, width, norm);
      return true;
    case 2:
      rotate_in_registers<2>(row, width, norm);
      return true;
    case 4:
      rotate_in_registers<4>(row, width, norm);
      return true;
    case 8:
      rotate_in_registers<8>(row, width, norm);
      return true;
    case 16:
      rotate_in_registers<16>(row, width, norm);
      return true;
    default:
      return false;
  }
}
#else
bool rotate_vectors(float*, std::size_t, std::size_t, float) { return false; }
#endif

// In place, blocks of `block` numbers, a power of two; orthonormal.
void rotate(float* row, std::size_t width, std::size_t block) {
  const float norm = 1.0F / std::sqrt(static_cast<float>(block));
  if (!rotate_vectors(row, width, block, norm)) {
    rotate_plain(row, width, block, norm);
  }
}

// The largest absolute value; where the row holds an infinity or a NaN, that. Absolute values order as their bits do.
ENDORM_PER_PROCESSOR float largest(const float* row, std::size_t width) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < width; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, row + i, sizeof bits);
    bits &= 0x7fffffffU;
    found = bits > found ? bits : found;
  }
  return std::bit_cast<float>(found);
}

ENDORM_PER_PROCESSOR void round_to_int8(const float* row, std::size_t width, float inverse, std::int8_t* out) {
  // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number, ties to even.
  constexpr float kRounder = 12582912.0F;
  for (std::size_t i = 0; i < width; ++i) {
    const float whole = (row[i] * inverse + kRounder) - kRounder;
    out[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(whole));
  }
}

}  // namespace

const char* product_type_name(ProductType type) {
  constexpr std::array kNames = {"f32", "bf16", "f16", "int8"};  // in their order
  return kNames.at(static_cast<std::size_t>(type));
}

std::size_t product_type_bytes(ProductType type) {
  return type == ProductType::kF32 ? 4 : type == ProductType::kInt8 ? 1 : 2;
}

std::size_t rotation_block(std::size_t width) {
  constexpr std::size_t kLargest = 256;
  return std::min(kLargest, std::size_t{1} << static_cast<unsigned>(std::countr_zero(width)));
}

float convert_row(ProductType type, std::span<float> row, void* out, float int8_steps) {
  switch (type) {
    case ProductType::kF32:
      std::memcpy(out, row.data(), row.size_bytes());
      return 1.0F;
    case ProductType::kBf16:
      to_bf16(row.data(), row.size(), static_cast<std::uint16_t*>(out));
      return 1.0F;
    case ProductType::kF16:
#if defined(__FLT16_MAX__)
      to_f16(row.data(), row.size(), static_cast<std::uint16_t*>(out));
      return 1.0F;
#else
      throw InternalError("[convert_row] this compiler has no f16");
#endif
    case ProductType::kInt8: {
      rotate(row.data(), row.size(), rotation_block(row.size()));
      const float most = largest(row.data(), row.size());
      const bool usable = std::isfinite(most) && most > 0.0F;
      round_to_int8(row.data(), row.size(), usable ? int8_steps / most : 0.0F, static_cast<std::int8_t*>(out));
      // A row that is not finite must not come out as numbers: the scale carries it to the result.
      return std::isfinite(most) ? most / int8_steps : std::numeric_limits<float>::quiet_NaN();
    }
  }
  throw InternalError("[convert_row] unknown type");
}

void Operand::convert(ProductType type, const float* x, std::size_t rows, std::size_t width, std::size_t stride,
                      int threads) {
  type_ = type;
  rows_ = rows;
  width_ = width;
  if (type == ProductType::kF32 && stride == width) {
    data_ = x;
    return;
  }
  const std::size_t row_bytes = width * product_type_bytes(type);
  if (buffer_.size() < rows * row_bytes) {
    buffer_.resize(rows * row_bytes);
  }
  row_scales_.resize(type == ProductType::kInt8 ? rows : 0);
  data_ = buffer_.data();
#pragma omp parallel num_threads(threads)
  {
    std::vector<float> scratch(type == ProductType::kInt8 ? width : 0);
#pragma omp for schedule(static)
    for (std::ptrdiff_t m = 0; m < static_cast<std::ptrdiff_t>(rows); ++m) {
      const float* row = x + static_cast<std::size_t>(m) * stride;
      std::byte* out = buffer_.data() + static_cast<std::size_t>(m) * row_bytes;
      if (type == ProductType::kInt8) {
        std::copy(row, row + width, scratch.begin());
        row_scales_[static_cast<std::size_t>(m)] = convert_row(type, scratch, out);
      } else {
        // The 16-bit conversions only read.
        convert_row(type, {const_cast<float*>(row), width}, out);
      }
    }
  }
}

}  // namespace endorm
