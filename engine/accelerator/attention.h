#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace endorm {

// A mask as a model's graph holds it: an f16 number a (query, key), added to the score; -infinity hides the key.
struct AttentionMaskSource {
  const std::uint16_t* values = nullptr;  // [streams, queries, keys] bits of f16; null: nothing is masked
  std::size_t queries = 0;
  std::size_t keys = 0;
  std::size_t streams = 1;
  std::size_t query_stride = 0;   // bytes
  std::size_t stream_stride = 0;  // bytes
};

// A map of what a mask shows, read once and used by every layer that shares the mask: for each block of queries the
// runs of keys that at least one of them sees, and a bit a (query, key). The memory of the source must stay as it is
// while the map is used (values other than 0 and -infinity are read again from there).
class AttentionMask {
 public:
  static constexpr std::size_t kBlock = 16;  // queries that share a list of keys

  // Keys begin .. end - 1.
  struct Run {
    std::uint32_t begin;
    std::uint32_t end;
  };

  struct Block {
    std::size_t first_run = 0;  // in runs()
    std::size_t run_count = 0;
    std::size_t visible_keys = 0;  // sum of the lengths of the runs
    bool has_values = false;       // some entry is neither 0 nor -infinity
  };

  // Reads the source with `threads` OpenMP threads. Throws InvalidInput on no queries, keys, streams or threads, on
  // more than 2^32 - 1 keys, and on a stride that is shorter than what it steps over.
  AttentionMask(const AttentionMaskSource& source, int threads);

  const AttentionMaskSource& source() const { return source_; }
  std::size_t blocks() const { return blocks_; }  // of one stream
  const Block& block(std::size_t stream, std::size_t block) const { return map_[stream * blocks_ + block]; }
  std::span<const Run> runs(const Block& block) const {
    return std::span<const Run>(runs_).subspan(block.first_run, block.run_count);
  }
  // [keys] bit i of entry j: query i of the block sees key j. A query past the end of the batch sees what any of its
  // block sees. Null where nothing is masked.
  const std::uint16_t* bits(std::size_t stream, std::size_t block) const {
    return bits_.empty() ? nullptr : bits_.data() + (stream * blocks_ + block) * source_.keys;
  }
  // Of the (query, key) pairs of all streams, how many are not masked.
  std::size_t visible_pairs() const { return visible_pairs_; }

 private:
  // Fills the bits and the map of one block, and its runs; returns how many pairs are not masked.
  std::size_t read_block(std::size_t index, std::vector<Run>& runs);

  AttentionMaskSource source_;
  std::size_t blocks_ = 0;
  std::size_t visible_pairs_ = 0;
  std::vector<Block> map_;  // [streams, blocks]
  std::vector<Run> runs_;
  std::vector<std::uint16_t> bits_;  // [streams, blocks, keys]
};

// Element type of keys and values in memory; arithmetic is f32 whatever they are.
enum class AttentionElement { kF32, kF16, kBf16 };

// From one token (a query or a key), one head and one stream to the next, in bytes.
struct AttentionStrides {
  std::size_t token = 0;
  std::size_t head = 0;
  std::size_t stream = 0;  // 0 of keys and values: all streams read the same ones

  constexpr std::size_t place(std::size_t in_stream, std::size_t in_head, std::size_t at) const {
    return in_stream * stream + in_head * head + at * token;
  }
};

// Where q, k, v, sinks and out lie and how large they are. The entries of a row are contiguous
// and aligned to their type. Every array is read or written in place; nothing is kept after the call.
//   q [streams, queries, heads, head_width]       k [streams, keys, kv_heads, head_width]
//   out [streams, queries, heads, value_width]    v [streams, keys, kv_heads, value_width]
struct AttentionArguments {
  std::size_t head_width = 0;
  std::size_t value_width = 0;
  std::size_t queries = 0;
  std::size_t keys = 0;
  std::size_t heads = 0;  // a multiple of kv_heads: head h reads key-value head h / (heads / kv_heads)
  std::size_t kv_heads = 0;
  std::size_t streams = 1;

  float scale = 1.0F;
  float logit_softcap = 0.0F;    // > 0: a score s becomes softcap * tanh(s / softcap) before the mask is added
  const float* sinks = nullptr;  // [heads] a further logit in each softmax, without a value; null: none

  const float* q = nullptr;
  AttentionStrides q_strides;

  const void* k = nullptr;
  AttentionElement k_element = AttentionElement::kF16;
  AttentionStrides k_strides;

  const void* v = nullptr;
  AttentionElement v_element = AttentionElement::kF16;
  AttentionStrides v_strides;

  float* out = nullptr;
  AttentionStrides out_strides;

  int threads = 1;
};

// Working memory of attention(), one part a thread. It grows to what the largest call needs and is kept between calls.
// One call at a time.
class AttentionScratch {
 public:
  // `threads` parts of at least `bytes` each. Parts start on cache lines.
  void reserve(std::size_t threads, std::size_t bytes);
  void* part(std::size_t thread) const;

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t capacity_ = 0;  // bytes
  std::size_t part_ = 0;      // bytes
};

// The kernels that this processor can run, fastest first; the first is the one attention() uses.
enum class AttentionKernel { kAvx512, kAvx2, kPortable };
std::span<const AttentionKernel> available_attention_kernels();
const char* attention_kernel_name(AttentionKernel kernel);

// out[i, h, :] = sum_j p_j v[j, h', :] with p = softmax over the keys j (and the sink of head h) of
// scale * q[i, h, :] . k[j, h', :], soft-capped if asked, + mask[i, j]. A query with every key masked gives zeros.
// A key that no query near it may see (in its tile, at most 64 in a row) is never read. Rounding depends on
// these neighbours, and on nothing else: not on the number of threads, and not on the run.
// The mask is of the same queries and keys; its streams divide those of the arguments.
// Runs one OpenMP region of `threads` threads. Throws InvalidInput on shapes that do not fit together.
void attention(const AttentionArguments& arguments, const AttentionMask& mask, AttentionScratch& scratch);

// As attention, on the kernel named (for tests). Throws InvalidInput where it cannot run here.
void attention_on(AttentionKernel kernel, const AttentionArguments& arguments, const AttentionMask& mask,
                  AttentionScratch& scratch);

}  // namespace endorm
