#include "engine/accelerator/operand.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/errors.h"
#include "engine/accelerator/per_processor.h"

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

#if defined(__GNUC__) && !defined(__clang__)
// Butterflies inside sixteen numbers, as shuffles of one vector: what a compiler makes of strided loops is ten times
// slower.
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

ENDORM_PER_PROCESSOR void rotate_sixteens(float* row, std::size_t width) {
  for (std::size_t at = 0; at < width; at += kShuffled) {
    Sixteen x;
    std::memcpy(&x, row + at, sizeof x);
    ENDORM_BUTTERFLY(1)
    ENDORM_BUTTERFLY(2)
    ENDORM_BUTTERFLY(4)
    ENDORM_BUTTERFLY(8)
    std::memcpy(row + at, &x, sizeof x);
  }
}
#undef ENDORM_BUTTERFLY
#else
constexpr std::size_t kShuffled = 1;
void rotate_sixteens(float*, std::size_t) {}
#endif

// In place, blocks of `block` numbers; orthonormal.
ENDORM_PER_PROCESSOR void rotate(float* row, std::size_t width, std::size_t block) {
  const float norm = 1.0F / std::sqrt(static_cast<float>(block));
  const bool shuffled = block >= kShuffled;
  if (shuffled) {
    rotate_sixteens(row, width);
  }
  for (std::size_t begin = 0; begin < width; begin += block) {
    float* values = row + begin;
    for (std::size_t half = shuffled ? kShuffled : 1; half < block; half *= 2) {
      for (std::size_t pair = 0; pair < block; pair += 2 * half) {
        for (std::size_t i = pair; i < pair + half; ++i) {
          const float sum = values[i] + values[i + half];
          const float difference = values[i] - values[i + half];
          values[i] = sum;
          values[i + half] = difference;
        }
      }
    }
    for (std::size_t i = 0; i < block; ++i) {
      values[i] *= norm;
    }
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
  switch (type) {
    case ProductType::kF32:
      return "f32";
    case ProductType::kBf16:
      return "bf16";
    case ProductType::kF16:
      return "f16";
    case ProductType::kInt8:
      return "int8";
  }
  throw InternalError("[product_type_name] unknown type");
}

std::size_t product_type_bytes(ProductType type) {
  return type == ProductType::kF32 ? 4 : type == ProductType::kInt8 ? 1 : 2;
}

std::size_t rotation_block(std::size_t width) {
  constexpr std::size_t kLargest = 256;
  return std::min(kLargest, std::size_t{1} << static_cast<unsigned>(std::countr_zero(width)));
}

float convert_row(ProductType type, std::span<float> row, void* out) {
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
      constexpr float kSteps = 127.0F;
      const bool usable = std::isfinite(most) && most > 0.0F;
      round_to_int8(row.data(), row.size(), usable ? kSteps / most : 0.0F, static_cast<std::int8_t*>(out));
      // A row that is not finite must not come out as numbers: the scale carries it to the result.
      return std::isfinite(most) ? most / kSteps : std::numeric_limits<float>::quiet_NaN();
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
