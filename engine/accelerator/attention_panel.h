#pragma once

#include <cstddef>

#include "engine/accelerator/attention_kernels.h"

// Both products and the softmax of some columns of a tile, written once over the vectors of an instruction set: see
// attention_tile.h for what it asks of `Isa`.
#if !defined(ENDORM_ATTENTION_TARGET)
#error "attention_panel.h is included by kernel files only"
#endif
#define ENDORM_ATTENTION_INLINE ENDORM_ATTENTION_TARGET inline

namespace endorm {
namespace {

// C columns, and the keys that come next. add<C>() takes them into the running softmax.
template <typename Isa>
struct Panel {
  using Vector = typename Isa::Vector;

  std::size_t count;  // keys
  std::size_t head_width;
  std::size_t value_width;
  std::size_t key_stride;    // floats
  std::size_t value_stride;  // floats
  std::size_t first_column;  // of the tile
  std::size_t tile_blocks;
  float soft_cap;        // in units of ln 2; 0: none
  const float* keys;     // [count, key_stride]
  const float* values;   // [count, value_stride]
  const float* mask;     // [count, tile_blocks, kLanes]; null: nothing is added
  const float* queries;  // [head_width, C, kLanes]
  float* scores;         // [count, C, kLanes]
  float* output;         // [value_width, C, kLanes]
  float* maxima;         // [C, kLanes] of the scores so far
  float* sums;           // [C, kLanes] of the powers so far

  // products[r, c, :] += sum_i a[r * a_row + i * a_step] * b[i, c, :]
  template <std::size_t R, std::size_t C>
  ENDORM_ATTENTION_INLINE static void multiply(Vector (&products)[R][C], const float* a, std::size_t a_row,
                                               std::size_t a_step, const float* b, std::size_t depth) {
    for (std::size_t i = 0; i < depth; ++i) {
      Vector lanes[C];
#pragma GCC unroll 4
      for (std::size_t c = 0; c < C; ++c) {
        lanes[c] = Isa::load(b + c * kLanes);
      }
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
        const Vector entry = Isa::broadcast(a + r * a_row);
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          products[r][c] = Isa::multiply_add(entry, lanes[c], products[r][c]);
        }
      }
      a += a_step;
      b += C * kLanes;
    }
  }

  template <std::size_t C>
  ENDORM_ATTENTION_TARGET void add() {
    Vector largest[C];
    Vector before[C];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < C; ++c) {
      before[c] = Isa::load(maxima + c * kLanes);
      largest[c] = before[c];
    }
    score<Isa::most_rows(C), C>(0, largest);
    Vector rescale[C];
    Vector total[C];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < C; ++c) {
      const std::size_t at = c * kLanes;
      rescale[c] = Isa::power(Isa::subtract(before[c], largest[c]));
      total[c] = Isa::multiply(rescale[c], Isa::load(sums + at));
      Isa::store(maxima + at, largest[c]);
    }
    for (float* row = scores; row != scores + count * C * kLanes; row += C * kLanes) {
#pragma GCC unroll 4
      for (std::size_t c = 0; c < C; ++c) {
        const Vector power = Isa::power(Isa::subtract(Isa::load(row + c * kLanes), largest[c]));
        Isa::store(row + c * kLanes, power);
        total[c] = Isa::add(total[c], power);
      }
    }
#pragma GCC unroll 4
    for (std::size_t c = 0; c < C; ++c) {
      Isa::store(sums + c * kLanes, total[c]);
    }
    weigh<Isa::most_rows(C), C>(0, rescale);
  }

  static constexpr std::size_t fewer_rows(std::size_t rows) { return rows > 4 ? 4 : rows / 2; }

  // scores[j, c, :] for keys j from `key` on, and the maxima over them.
  template <std::size_t R, std::size_t C>
  ENDORM_ATTENTION_INLINE void score(std::size_t key, Vector (&largest)[C]) {
    for (; key + R <= count; key += R) {
      Vector products[R][C];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          products[r][c] = Isa::zero();
        }
      }
      multiply<R, C>(products, keys + key * key_stride, key_stride, 1, queries, head_width);
      if (soft_cap > 0.0F) {
#pragma GCC unroll 12
        for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
          for (std::size_t c = 0; c < C; ++c) {
            products[r][c] = Isa::soft_cap(products[r][c], soft_cap);
          }
        }
      }
      if (mask != nullptr) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          const float* column = mask + key * tile_blocks * kLanes + (first_column + c) % tile_blocks * kLanes;
#pragma GCC unroll 12
          for (std::size_t r = 0; r < R; ++r) {
            products[r][c] = Isa::add(products[r][c], Isa::load(column + r * tile_blocks * kLanes));
          }
        }
      }
      float* row = scores + key * C * kLanes;
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          largest[c] = Isa::maximum(largest[c], products[r][c]);
          Isa::store(row + (r * C + c) * kLanes, products[r][c]);
        }
      }
    }
    if constexpr (R > 1) {
      score<fewer_rows(R), C>(key, largest);
    }
  }

  // output[d, c, :] = output[d, c, :] * rescale[c] + sum_j values[j, d] * scores[j, c, :] for d from `entry` on.
  template <std::size_t R, std::size_t C>
  ENDORM_ATTENTION_INLINE void weigh(std::size_t entry, const Vector (&rescale)[C]) {
    for (; entry + R <= value_width; entry += R) {
      float* row = output + entry * C * kLanes;
      Vector products[R][C];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          products[r][c] = Isa::multiply(rescale[c], Isa::load(row + (r * C + c) * kLanes));
        }
      }
      multiply<R, C>(products, values + entry, 1, value_stride, scores, count);
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < C; ++c) {
          Isa::store(row + (r * C + c) * kLanes, products[r][c]);
        }
      }
    }
    if constexpr (R > 1) {
      weigh<fewer_rows(R), C>(entry, rescale);
    }
  }
};

}  // namespace
}  // namespace endorm
