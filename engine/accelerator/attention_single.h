#pragma once

#include "engine/accelerator/attention_tile.h"

// The work on a tile of one query, as in every pass that draws a token a sequence: along the lanes of attention_tile.h
// it would be alone. Here the entries of a key lie along them, sixteen keys are multiplied at once, and a transposition
// turns their sums into a vector of scores. Takes what attention_tile.h takes.
namespace endorm {
namespace {

template <typename Isa>
struct SingleQuery {
  using Vector = typename Isa::Vector;

  const AttentionWork& work;
  const AttentionArguments& arguments;
  std::size_t key_stride;    // floats
  std::size_t value_stride;  // floats
  float* queries;            // [group, key_stride], 0 behind head_width
  float* output;             // [group, value_stride]
  float* scores;             // [kKeyTile]
  float* mask;               // [kKeyTile]
  float* keys;               // [kKeyTile, key_stride], 0 behind head_width
  float* values;             // [kKeyTile, value_stride]
  float* maxima;             // [group] of the scores so far
  float* sums;               // [group] of the powers so far

  ENDORM_ATTENTION_INLINE SingleQuery(const AttentionWork& given, float* scratch)
      : work(given), arguments(*given.arguments) {
    key_stride = attention_row_stride(arguments.head_width);
    value_stride = attention_row_stride(arguments.value_width);
    queries = scratch;
    output = queries + work.group * key_stride;
    scores = output + work.group * value_stride;
    mask = scores + kKeyTile;
    keys = mask + kKeyTile;
    values = keys + kKeyTile * key_stride;
    maxima = values + kKeyTile * value_stride;
    sums = maxima + work.group;
  }

  ENDORM_ATTENTION_INLINE void run() {
    for (std::size_t head = 0; head < work.group; ++head) {
      start(head);
    }
    KeyCursor cursor{work.runs};
    std::uint32_t chosen[kKeyTile];
    while (const std::size_t count = cursor.next(chosen)) {
      const std::size_t padded = (count + kLanes - 1) / kLanes * kLanes;
      convert_keys<Isa>(work, chosen, count, keys, values);
      for (std::size_t i = count * key_stride; i < padded * key_stride; ++i) {
        keys[i] = 0.0F;
      }
      for (std::size_t i = count * value_stride; i < padded * value_stride; ++i) {
        values[i] = 0.0F;
      }
      lay_out_mask(chosen, count, padded);
      for (std::size_t head = 0; head < work.group; ++head) {
        add_keys(head, padded);
      }
    }
    for (std::size_t head = 0; head < work.group; ++head) {
      write(head);
    }
  }

  ENDORM_ATTENTION_INLINE void start(std::size_t head) {
    const std::size_t of_all = work.kv_head * work.group + head;
    const float* from = reinterpret_cast<const float*>(
        bytes(arguments.q) + arguments.q_strides.place(work.stream, of_all, work.first_query));
    const float factor = query_factor(arguments);
    float* query = queries + head * key_stride;
    for (std::size_t d = 0; d < key_stride; ++d) {
      query[d] = d < arguments.head_width ? factor * from[d] : 0.0F;
    }
    for (std::size_t d = 0; d < value_stride; ++d) {
      output[head * value_stride + d] = 0.0F;
    }
    const float sink = sink_score(arguments, of_all);
    maxima[head] = sink;
    sums[head] = sink == kLowest ? 0.0F : 1.0F;
  }

  // Every key of the runs is one that the query sees. What is behind the last, -infinity keeps out of the softmax.
  ENDORM_ATTENTION_INLINE void lay_out_mask(const std::uint32_t* chosen, std::size_t count, std::size_t padded) {
    for (std::size_t begin = 0; begin < padded; begin += kLanes) {
      const std::size_t there = count - begin < kLanes ? count - begin : kLanes;
      std::uint16_t entries[kLanes] = {};
      for (std::size_t i = 0; work.has_values[0] && i < there; ++i) {
        entries[i] = work.mask_values[chosen[begin + i]];
      }
      const Vector added = Isa::multiply(Isa::load_f16(entries), Isa::spread(kLog2OfE));
      Isa::store(mask + begin, Isa::add(added, Isa::hide(static_cast<std::uint16_t>((1U << there) - 1U))));
    }
  }

  ENDORM_ATTENTION_INLINE void add_keys(std::size_t head, std::size_t padded) {
    alignas(64) float lanes[kLanes];
    Isa::store(lanes, score(queries + head * key_stride, padded));
    float largest = maxima[head];
    for (const float lane : lanes) {
      largest = lane > largest ? lane : largest;
    }
    Vector total = Isa::zero();
    for (std::size_t i = 0; i < padded; i += kLanes) {
      const Vector power = Isa::power(Isa::subtract(Isa::load(scores + i), Isa::spread(largest)));
      Isa::store(scores + i, power);
      total = Isa::add(total, power);
    }
    Isa::store(lanes, Isa::power(Isa::spread(maxima[head] - largest)));
    const float rescale = lanes[0];
    Isa::store(lanes, total);
    float sum = rescale * sums[head];
    for (const float lane : lanes) {
      sum += lane;
    }
    maxima[head] = largest;
    sums[head] = sum;
    float* row = output + head * value_stride;
    std::size_t d = 0;
    for (; d + 4 * kLanes <= arguments.value_width; d += 4 * kLanes) {
      weigh<4>(row, d, rescale, padded);
    }
    for (; d < arguments.value_width; d += kLanes) {
      weigh<1>(row, d, rescale, padded);
    }
  }

  // Fills the scores; returns the largest in each lane.
  ENDORM_ATTENTION_INLINE Vector score(const float* query, std::size_t padded) {
    const float soft_cap = arguments.logit_softcap * kLog2OfE;
    Vector largest = Isa::spread(kLowest);
    for (std::size_t key = 0; key < padded; key += kLanes) {
      Vector rows[kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) {
        rows[i] = Isa::zero();
      }
      for (std::size_t d = 0; d < arguments.head_width; d += kLanes) {
        const Vector entries = Isa::load(query + d);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < kLanes; ++i) {
          rows[i] = Isa::multiply_add(Isa::load(keys + (key + i) * key_stride + d), entries, rows[i]);
        }
      }
      Isa::transpose(rows);
#pragma GCC unroll 4
      for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (std::size_t i = 0; i < half; ++i) {
          rows[i] = Isa::add(rows[i], rows[i + half]);
        }
      }
      Vector found = rows[0];
      if (soft_cap > 0.0F) {
        found = Isa::soft_cap(found, soft_cap);
      }
      found = Isa::add(found, Isa::load(mask + key));
      Isa::store(scores + key, found);
      largest = Isa::maximum(largest, found);
    }
    return largest;
  }

  // R vectors of the output row from entry d on; even and odd keys are summed apart, two chains of sums for each.
  template <std::size_t R>
  ENDORM_ATTENTION_INLINE void weigh(float* row, std::size_t d, float rescale, std::size_t padded) {
    Vector even[R];
    Vector odd[R];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < R; ++r) {
      even[r] = Isa::multiply(Isa::spread(rescale), Isa::load(row + d + r * kLanes));
      odd[r] = Isa::zero();
    }
    for (std::size_t key = 0; key < padded; key += 2) {
      const float* value = values + key * value_stride + d;
      const Vector first = Isa::broadcast(scores + key);
      const Vector second = Isa::broadcast(scores + key + 1);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < R; ++r) {
        even[r] = Isa::multiply_add(first, Isa::load(value + r * kLanes), even[r]);
        odd[r] = Isa::multiply_add(second, Isa::load(value + value_stride + r * kLanes), odd[r]);
      }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < R; ++r) {
      Isa::store(row + d + r * kLanes, Isa::add(even[r], odd[r]));
    }
  }

  ENDORM_ATTENTION_INLINE void write(std::size_t head) {
    const float factor = sums[head] == 0.0F ? 0.0F : 1.0F / sums[head];
    auto* to = reinterpret_cast<float*>(
        reinterpret_cast<std::byte*>(arguments.out) +
        arguments.out_strides.place(work.stream, work.kv_head * work.group + head, work.first_query));
    for (std::size_t d = 0; d < arguments.value_width; ++d) {
      to[d] = factor * output[head * value_stride + d];
    }
  }
};

template <typename Isa>
ENDORM_ATTENTION_TARGET void run_tile(const AttentionWork& work, float* scratch) {
  if (work.tile_queries == 1) {
    SingleQuery<Isa>(work, scratch).run();
  } else {
    Tile<Isa>(work, scratch).run();
  }
}

}  // namespace
}  // namespace endorm
