#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/accelerator/attention_kernels.h"

// The work on one tile of queries, written once over vectors of kLanes floats. A kernel file includes it after it has
// defined ENDORM_ATTENTION_TARGET (the function attribute of its instruction set), and hands over a struct `Isa`:
//   Vector, kMostColumns, most_rows(columns), load, store, broadcast, zero, add, subtract, multiply, multiply_add,
//   maximum (the second argument where one is NaN), power, soft_cap, hide (0 where a bit is set, else -infinity),
//   load_f16, load_bf16, transpose.
// Queries lie along the lanes. With C columns of kLanes (query, head) pairs a panel holds
//   queries [head_width, C, kLanes], scores [keys, C, kLanes], output [value_width, C, kLanes]
// so that both products are: rows of a matrix in its natural layout, broadcast entry by entry, times rows of lanes; and
// the softmax is elementwise. Scores are in units of ln 2: powers of two cost less than those of e.
//
// No function of the standard library that is no intrinsic is called here: its copy would be compiled for this
// instruction set, and the linker could choose it for every caller.
#if !defined(ENDORM_ATTENTION_TARGET)
#error "attention_tile.h is included by kernel files only"
#endif

#include "engine/accelerator/attention_panel.h"

namespace endorm {
namespace {

constexpr float kLog2OfE = 0x1.715476p0F;
constexpr float kLowest =
    -0x1.fffffep127F;  // a running maximum before the first key: finite, so that no difference is NaN

inline const std::byte* bytes(const void* memory) { return static_cast<const std::byte*>(memory); }
constexpr std::size_t element_bytes(AttentionElement element) { return element == AttentionElement::kF32 ? 4 : 2; }

// The keys of some runs in order, kKeyTile at a time.
struct KeyCursor {
  std::span<const AttentionMask::Run> runs;
  std::uint32_t begun = 0;  // keys of the first run

  ENDORM_ATTENTION_INLINE std::size_t next(std::uint32_t (&chosen)[kKeyTile]) {
    std::size_t count = 0;
    while (count < kKeyTile && !runs.empty()) {
      const std::uint32_t length = runs[0].end - runs[0].begin;
      while (count < kKeyTile && begun < length) {
        chosen[count++] = runs[0].begin + begun++;
      }
      if (begun == length) {
        runs = runs.subspan(1);
        begun = 0;
      }
    }
    return count;
  }
};

// What a query is multiplied with, so that its products with keys are scores in units of ln 2; with a soft cap, what
// Isa::soft_cap takes.
ENDORM_ATTENTION_INLINE float query_factor(const AttentionArguments& arguments) {
  return arguments.logit_softcap > 0.0F ? 2.0F * kLog2OfE * arguments.scale / arguments.logit_softcap
                                        : kLog2OfE * arguments.scale;
}

// A sink is a first key with the score sinks[head] and the value 0; kLowest: none.
ENDORM_ATTENTION_INLINE float sink_score(const AttentionArguments& arguments, std::size_t head) {
  const float sink = arguments.sinks != nullptr ? arguments.sinks[head] * kLog2OfE : kLowest;
  return sink <= kLowest ? kLowest : sink;
}

// A row of keys or values in f32, with zeros up to the end of its last vector.
template <typename Isa>
ENDORM_ATTENTION_INLINE void convert_row(AttentionElement element, const std::byte* row, std::size_t width,
                                         float* converted) {
  std::size_t i = 0;
  switch (element) {
    case AttentionElement::kF32:
      for (; i + kLanes <= width; i += kLanes) {
        Isa::store(converted + i, Isa::load_unaligned(row + 4 * i));
      }
      break;
    case AttentionElement::kF16:
      for (; i + kLanes <= width; i += kLanes) {
        Isa::store(converted + i, Isa::load_f16(row + 2 * i));
      }
      break;
    case AttentionElement::kBf16:
      for (; i + kLanes <= width; i += kLanes) {
        Isa::store(converted + i, Isa::load_bf16(row + 2 * i));
      }
      break;
  }
  if (i < width) {
    const std::size_t size = element_bytes(element);
    alignas(64) std::byte rest[kLanes * 4] = {};
    std::memcpy(rest, row + i * size, (width - i) * size);
    convert_row<Isa>(element, rest, kLanes, converted + i);
  }
}

// keys [count, attention_row_stride(head_width)] and values of the chosen.
template <typename Isa>
ENDORM_ATTENTION_INLINE void convert_keys(const AttentionWork& work, const std::uint32_t* chosen, std::size_t count,
                                          float* keys, float* values) {
  const AttentionArguments& arguments = *work.arguments;
  const std::byte* k = bytes(arguments.k) + arguments.k_strides.place(work.stream, work.kv_head, 0);
  const std::byte* v = bytes(arguments.v) + arguments.v_strides.place(work.stream, work.kv_head, 0);
  for (std::size_t i = 0; i < count; ++i) {
    convert_row<Isa>(arguments.k_element, k + chosen[i] * arguments.k_strides.token, arguments.head_width,
                     keys + i * attention_row_stride(arguments.head_width));
    convert_row<Isa>(arguments.v_element, v + chosen[i] * arguments.v_strides.token, arguments.value_width,
                     values + i * attention_row_stride(arguments.value_width));
  }
}

template <typename Isa>
struct Tile {
  using Vector = typename Isa::Vector;

  const AttentionWork& work;
  const AttentionArguments& arguments;
  std::size_t columns;       // tile_blocks * group; column c is block c % tile_blocks of head c / tile_blocks
  std::size_t key_stride;    // floats
  std::size_t value_stride;  // floats
  float* queries;            // panel after panel
  float* output;             // panel after panel
  float* maxima;             // [columns, kLanes] of the scores so far
  float* sums;               // [columns, kLanes] of the powers so far
  float* scores;             // [kKeyTile, panel columns, kLanes]
  float* mask;               // [kKeyTile, tile_blocks, kLanes]
  float* keys;               // [kKeyTile, key_stride]
  float* values;             // [kKeyTile, value_stride]

  ENDORM_ATTENTION_INLINE Tile(const AttentionWork& given, float* scratch) : work(given), arguments(*given.arguments) {
    columns = work.tile_blocks * work.group;
    key_stride = attention_row_stride(arguments.head_width);
    value_stride = attention_row_stride(arguments.value_width);
    const std::size_t lanes = columns * kLanes;
    queries = scratch;
    output = queries + lanes * arguments.head_width;
    maxima = output + lanes * arguments.value_width;
    sums = maxima + lanes;
    scores = sums + lanes;
    mask = scores + kKeyTile * kMostColumns * kLanes;
    keys = mask + kKeyTile * work.tile_blocks * kLanes;
    values = keys + kKeyTile * key_stride;
  }

  ENDORM_ATTENTION_INLINE void run() {
    pack_queries();
    start_sums();
    KeyCursor cursor{work.runs};
    std::uint32_t chosen[kKeyTile];
    while (const std::size_t count = cursor.next(chosen)) {
      add_keys(chosen, count);
    }
    write_output();
  }

  ENDORM_ATTENTION_INLINE void add_keys(const std::uint32_t* chosen, std::size_t count) {
    convert_keys<Isa>(work, chosen, count, keys, values);
    Panel<Isa> panel{};
    panel.count = count;
    panel.head_width = arguments.head_width;
    panel.value_width = arguments.value_width;
    panel.key_stride = key_stride;
    panel.value_stride = value_stride;
    panel.tile_blocks = work.tile_blocks;
    panel.soft_cap = arguments.logit_softcap * kLog2OfE;
    panel.keys = keys;
    panel.values = values;
    panel.mask = lay_out_mask(chosen, count) ? mask : nullptr;
    panel.scores = scores;
    for (std::size_t first = 0; first < columns;) {
      const std::size_t width = next_panel(columns - first);
      panel.first_column = first;
      panel.queries = queries + first * kLanes * arguments.head_width;
      panel.output = output + first * kLanes * arguments.value_width;
      panel.maxima = maxima + first * kLanes;
      panel.sums = sums + first * kLanes;
      add_panel(panel, width);
      first += width;
    }
  }

  ENDORM_ATTENTION_INLINE static void add_panel(Panel<Isa>& panel, std::size_t width) {
    if (width == 1) {
      panel.template add<1>();
    }
    if constexpr (Isa::kMostColumns > 1) {
      if (width == 2) {
        panel.template add<2>();
      }
      if (width == 3) {
        panel.template add<3>();
      }
      if (width == 4) {
        panel.template add<4>();
      }
    }
  }

  // Columns of the panel that comes next: as few panels as there can be, of about the same width.
  ENDORM_ATTENTION_INLINE static std::size_t next_panel(std::size_t left) {
    const std::size_t panels = (left + Isa::kMostColumns - 1) / Isa::kMostColumns;
    return (left + panels - 1) / panels;
  }

  // What is added to the scores of the chosen keys; false where that is 0 throughout.
  ENDORM_ATTENTION_INLINE bool lay_out_mask(const std::uint32_t* chosen, std::size_t count) {
    bool masked = false;
    for (std::size_t block = 0; block < work.tile_blocks; ++block) {
      masked |= work.has_values[block];
      const std::uint16_t* bits = work.bits[block];
      for (std::size_t i = 0; bits != nullptr && i < count; ++i) {
        masked |= bits[chosen[i]] != 0xFFFF;
      }
    }
    for (std::size_t block = 0; masked && block < work.tile_blocks; ++block) {
      for (std::size_t i = 0; i < count; ++i) {
        float* lanes = mask + (i * work.tile_blocks + block) * kLanes;
        Isa::store(lanes, Isa::hide(work.bits[block][chosen[i]]));
        if (work.has_values[block]) {
          lay_out_values(block, chosen[i], lanes);
        }
      }
    }
    return masked;
  }

  ENDORM_ATTENTION_INLINE void lay_out_values(std::size_t block, std::uint32_t key, float* lanes) {
    std::uint16_t entries[kLanes] = {};
    for (std::size_t i = 0; i < kLanes && block * kLanes + i < work.tile_queries; ++i) {
      std::memcpy(&entries[i], bytes(work.mask_values + key) + (block * kLanes + i) * work.mask_query_stride, 2);
    }
    Isa::store(lanes, Isa::multiply(Isa::load_f16(entries), Isa::spread(kLog2OfE)));
  }

  ENDORM_ATTENTION_INLINE float* column_of(float* panels, std::size_t column, std::size_t width,
                                           std::size_t& stride) const {
    std::size_t first = 0;
    while (true) {
      const std::size_t panel = next_panel(columns - first);
      if (column < first + panel) {
        stride = panel * kLanes;
        return panels + first * kLanes * width + (column - first) * kLanes;
      }
      first += panel;
    }
  }

  ENDORM_ATTENTION_INLINE void pack_queries() {
    const float factor = query_factor(arguments);
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t head = work.kv_head * work.group + column / work.tile_blocks;
      const std::size_t first = column % work.tile_blocks * kLanes;
      std::size_t stride = 0;
      float* lanes = column_of(queries, column, arguments.head_width, stride);
      const std::byte* rows =
          bytes(arguments.q) + arguments.q_strides.place(work.stream, head, work.first_query + first);
      const std::size_t there = queries_of_block(first);
      std::size_t d = 0;
      for (; d + kLanes <= arguments.head_width; d += kLanes) {
        Vector square[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) {
          square[i] = i < there ? Isa::multiply(Isa::spread(factor),
                                                Isa::load_unaligned(rows + i * arguments.q_strides.token + 4 * d))
                                : Isa::zero();
        }
        Isa::transpose(square);
        for (std::size_t i = 0; i < kLanes; ++i) {
          Isa::store(lanes + (d + i) * stride, square[i]);
        }
      }
      for (; d < arguments.head_width; ++d) {
        for (std::size_t i = 0; i < kLanes; ++i) {
          lanes[d * stride + i] =
              i < there ? factor * reinterpret_cast<const float*>(rows + i * arguments.q_strides.token)[d] : 0.0F;
        }
      }
    }
  }

  ENDORM_ATTENTION_INLINE void start_sums() {
    for (std::size_t i = 0; i < columns * kLanes * arguments.value_width; ++i) {
      output[i] = 0.0F;
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t head = work.kv_head * work.group + column / work.tile_blocks;
      const float sink = sink_score(arguments, head);
      Isa::store(maxima + column * kLanes, Isa::spread(sink));
      Isa::store(sums + column * kLanes, Isa::spread(sink == kLowest ? 0.0F : 1.0F));
    }
  }

  ENDORM_ATTENTION_INLINE void write_output() {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t head = work.kv_head * work.group + column / work.tile_blocks;
      const std::size_t first = column % work.tile_blocks * kLanes;
      std::size_t stride = 0;
      const float* lanes = column_of(output, column, arguments.value_width, stride);
      std::byte* rows = reinterpret_cast<std::byte*>(arguments.out) +
                        arguments.out_strides.place(work.stream, head, work.first_query + first);
      const std::size_t there = queries_of_block(first);
      float* factors = sums + column * kLanes;
      for (std::size_t i = 0; i < kLanes; ++i) {
        factors[i] = factors[i] == 0.0F ? 0.0F : 1.0F / factors[i];
      }
      std::size_t d = 0;
      for (; d + kLanes <= arguments.value_width; d += kLanes) {
        Vector square[kLanes];
        for (std::size_t i = 0; i < kLanes; ++i) {
          square[i] = Isa::multiply(Isa::load(factors), Isa::load(lanes + (d + i) * stride));
        }
        Isa::transpose(square);
        for (std::size_t i = 0; i < there; ++i) {
          Isa::store_unaligned(rows + i * arguments.out_strides.token + 4 * d, square[i]);
        }
      }
      for (; d < arguments.value_width; ++d) {
        for (std::size_t i = 0; i < there; ++i) {
          reinterpret_cast<float*>(rows + i * arguments.out_strides.token)[d] = factors[i] * lanes[d * stride + i];
        }
      }
    }
  }

  // Queries of the batch in the block that starts at query `first` of the tile.
  ENDORM_ATTENTION_INLINE std::size_t queries_of_block(std::size_t first) const {
    return work.tile_queries - first < kLanes ? work.tile_queries - first : kLanes;
  }
};

}  // namespace
}  // namespace endorm
