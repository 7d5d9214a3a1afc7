#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/accelerator/attention_mask.h"

namespace endorm {

// Element type of keys and values in memory; arithmetic is f32 whatever they are.
enum class AttentionElement { kF32, kF16, kBf16 };

// Where q, k, v, sinks and out lie and how large they are. Strides are in bytes; the entries of a row are contiguous
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
  std::size_t q_query_stride = 0;
  std::size_t q_head_stride = 0;
  std::size_t q_stream_stride = 0;

  const void* k = nullptr;
  AttentionElement k_element = AttentionElement::kF16;
  std::size_t k_key_stride = 0;
  std::size_t k_head_stride = 0;
  std::size_t k_stream_stride = 0;  // 0: all streams read the same keys

  const void* v = nullptr;
  AttentionElement v_element = AttentionElement::kF16;
  std::size_t v_key_stride = 0;
  std::size_t v_head_stride = 0;
  std::size_t v_stream_stride = 0;

  float* out = nullptr;
  std::size_t out_query_stride = 0;
  std::size_t out_head_stride = 0;
  std::size_t out_stream_stride = 0;

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
