#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/accelerator/attention.h"

// Inside engine/accelerator/ only: the work that attention.cpp and attention_mask.cpp hand out, one set of functions
// for each instruction set. Every kernel is compiled into every x86-64 build by function target attributes; which may
// be called is decided at run time.
#if (defined(__x86_64__) || defined(__amd64__)) && defined(__GNUC__)
#define ENDORM_X86_ATTENTION 1
#else
#define ENDORM_X86_ATTENTION 0
#endif

namespace endorm {

// A query block lies along the lanes of a kernel: a column is one block of one head.
inline constexpr std::size_t kLanes = AttentionMask::kBlock;
inline constexpr std::size_t kMostTileBlocks = 4;  // blocks in a tile of queries
inline constexpr std::size_t kMostColumns = 4;     // columns of a panel
inline constexpr std::size_t kKeyTile = 96;        // keys worked on at a time

// One tile of queries of all heads that share a key-value head.
struct AttentionWork {
  const AttentionArguments* arguments;
  std::size_t first_query;
  std::size_t tile_queries;  // <= tile_blocks * kLanes
  std::size_t tile_blocks;
  std::size_t group;  // heads that share the key-value head
  std::size_t stream;
  std::size_t kv_head;
  std::span<const AttentionMask::Run> runs;                  // of the tile: keys that any of its queries sees
  std::array<const std::uint16_t*, kMostTileBlocks> bits{};  // [tile_blocks][keys]; null: nothing is masked
  std::array<bool, kMostTileBlocks> has_values{};  // [tile_blocks] mask_values holds more than 0 and -infinity
  const std::uint16_t* mask_values = nullptr;      // row of first_query
  std::size_t mask_query_stride = 0;               // bytes
};

// Rows of converted keys and values are one vector longer than they need to be: rows of a power of two would all fall
// into the same few sets of the first cache. In floats.
constexpr std::size_t attention_row_stride(std::size_t width) {
  return (width + kLanes - 1) / kLanes * kLanes + kLanes;
}

// Floats of working memory that one tile needs, as attention_tile.h lays it out, or attention_single.h.
constexpr std::size_t attention_scratch_floats(std::size_t head_width, std::size_t value_width, std::size_t tile_blocks,
                                               std::size_t group) {
  const std::size_t column = kLanes * (head_width + value_width + 2);
  const std::size_t key = attention_row_stride(head_width) + attention_row_stride(value_width);
  const std::size_t tile =
      tile_blocks * group * column + kKeyTile * (kMostColumns * kLanes + tile_blocks * kLanes + key);
  const std::size_t single = group * (key + 2) + kKeyTile * (2 + key);
  return tile > single ? tile : single;
}

struct AttentionKernelFunctions {
  // Sets bit i of bits[j] for each key j that row i [keys] does not hide; rows are `stride` bytes apart, `rows` <=
  // kLanes. Returns whether some entry is neither 0 nor -infinity.
  bool (*read_mask)(const std::uint16_t* rows_begin, std::size_t stride, std::size_t rows, std::size_t keys,
                    std::uint16_t* bits);
  // scratch: attention_scratch_floats(...) floats from the start of a cache line.
  void (*run)(const AttentionWork& work, float* scratch);
};

const AttentionKernelFunctions& attention_kernel_functions(AttentionKernel kernel);

extern const AttentionKernelFunctions kPortableAttention;
#if ENDORM_X86_ATTENTION
extern const AttentionKernelFunctions kAvx2Attention;    // needs AVX2, FMA and F16C
extern const AttentionKernelFunctions kAvx512Attention;  // needs AVX-512 F, BW and DQ
#endif

// 2^r for |r| <= 1/2 is 1 + r * (c_1 + c_2 r + ...), highest coefficient first: minimax of the relative error.
inline constexpr float kPowerSeries[] = {0x1.5bba14p-10F, 0x1.3cea88p-7F, 0x1.c6b752p-5F, 0x1.ebf9bcp-3F,
                                         0x1.62e42ap-1F};  // off by 9e-8
// One more term, for tanh, which needs 2^r - 1 to a small relative error: off by 2e-9.
inline constexpr float kLongPowerSeries[] = {0x1.41fbbcp-13F, 0x1.5f3e54p-10F, 0x1.3b2d4cp-7F,
                                             0x1.c6aee8p-5F,  0x1.ebfbdcp-3F,  0x1.62e430p-1F};
// Below it 2^x is taken as 0: what is left out is less than 2^-126 of the largest term of a softmax.
inline constexpr float kSmallestPower = -126.0F;

}  // namespace endorm
