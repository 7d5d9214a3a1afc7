#include "engine/accelerator/attention.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/errors.h"
#include "engine/accelerator/attention_kernels.h"

#if ENDORM_X86_ATTENTION
#include <cpuid.h>
#endif

namespace endorm {
namespace {

constexpr std::size_t kCacheLine = 64;

#if ENDORM_X86_ATTENTION
// Clang's __builtin_cpu_supports does not know this one.
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

std::vector<AttentionKernel> detect_kernels() {
  std::vector<AttentionKernel> kernels;
#if ENDORM_X86_ATTENTION
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    kernels.push_back(AttentionKernel::kAvx512);
  }
  if (avx2) {
    kernels.push_back(AttentionKernel::kAvx2);
  }
#endif
  kernels.push_back(AttentionKernel::kPortable);
  return kernels;
}

void check(const AttentionArguments& a, const AttentionMask& mask) {
  const auto refuse = [](const std::string& fact) { throw InvalidInput("[attention] " + fact); };
  const AttentionMaskSource& source = mask.source();
  if (a.head_width == 0 || a.value_width == 0 || a.heads == 0 || a.kv_heads == 0 || a.streams == 0) {
    refuse("widths, heads and streams must be at least 1");
  }
  if (a.heads % a.kv_heads != 0) {
    refuse(std::to_string(a.heads) + " heads are no multiple of " + std::to_string(a.kv_heads) + " key-value heads");
  }
  if (source.queries != a.queries || source.keys != a.keys || a.streams % source.streams != 0) {
    refuse("the mask is of " + std::to_string(source.queries) + " queries, " + std::to_string(source.keys) + " keys, " +
           std::to_string(source.streams) + " streams; the arguments are of " + std::to_string(a.queries) + ", " +
           std::to_string(a.keys) + ", " + std::to_string(a.streams));
  }
  if (a.q == nullptr || a.k == nullptr || a.v == nullptr || a.out == nullptr) {
    refuse("q, k, v or out is null");
  }
  if (!(a.logit_softcap >= 0.0F) || !(a.logit_softcap <= std::numeric_limits<float>::max())) {
    refuse("logit_softcap must be 0 (none) or positive; got " + std::to_string(a.logit_softcap));
  }
  if (a.threads < 1) {
    refuse("threads must be at least 1; got " + std::to_string(a.threads));
  }
}

// Some six columns: enough that many products share the conversion of keys and values, and no more, since a tile visits
// every key that one of its queries sees. It does not depend on the number of threads: results would.
std::size_t tile_blocks_of(std::size_t group) { return group >= 5 ? 1 : group >= 3 ? 2 : 4; }

struct QueryTile {
  std::size_t stream;  // of the mask
  std::size_t first_block;
  std::size_t blocks;
  std::size_t first_run;
  std::size_t run_count;
  std::size_t visible_keys;
};

// The tiles of a mask, those with most keys first, and the runs of each.
struct Plan {
  std::vector<QueryTile> tiles;
  std::vector<AttentionMask::Run> runs;
};

// Appends the union of the runs of the tile's blocks.
void join_runs(const AttentionMask& mask, QueryTile& tile, std::vector<AttentionMask::Run>& runs) {
  std::array<std::span<const AttentionMask::Run>, kMostTileBlocks> left;
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    left[i] = mask.runs(mask.block(tile.stream, tile.first_block + i));
  }
  tile.first_run = runs.size();
  while (true) {
    std::span<const AttentionMask::Run>* next = nullptr;
    for (auto& candidate : left) {
      if (!candidate.empty() && (next == nullptr || candidate[0].begin < (*next)[0].begin)) {
        next = &candidate;
      }
    }
    if (next == nullptr) {
      break;
    }
    const AttentionMask::Run run = (*next)[0];
    *next = next->subspan(1);
    if (runs.size() > tile.first_run && run.begin <= runs.back().end) {
      runs.back().end = std::max(runs.back().end, run.end);
    } else {
      runs.push_back(run);
    }
  }
  tile.run_count = runs.size() - tile.first_run;
  for (std::size_t i = tile.first_run; i < runs.size(); ++i) {
    tile.visible_keys += runs[i].end - runs[i].begin;
  }
}

Plan make_plan(const AttentionMask& mask, std::size_t tile_blocks) {
  Plan plan;
  for (std::size_t stream = 0; stream < mask.source().streams; ++stream) {
    for (std::size_t block = 0; block < mask.blocks(); block += tile_blocks) {
      QueryTile tile{stream, block, std::min(tile_blocks, mask.blocks() - block), 0, 0, 0};
      join_runs(mask, tile, plan.runs);
      plan.tiles.push_back(tile);
    }
  }
  std::stable_sort(plan.tiles.begin(), plan.tiles.end(),
                   [](const QueryTile& a, const QueryTile& b) { return a.visible_keys > b.visible_keys; });
  return plan;
}

AttentionWork work_of(const AttentionArguments& arguments, const AttentionMask& mask, const Plan& plan,
                      const QueryTile& tile, std::size_t stream, std::size_t kv_head) {
  AttentionWork work;
  work.arguments = &arguments;
  work.first_query = tile.first_block * kLanes;
  work.tile_queries = std::min(tile.blocks * kLanes, arguments.queries - work.first_query);
  work.tile_blocks = tile.blocks;
  work.group = arguments.heads / arguments.kv_heads;
  work.stream = stream;
  work.kv_head = kv_head;
  work.runs = std::span<const AttentionMask::Run>(plan.runs).subspan(tile.first_run, tile.run_count);
  const AttentionMaskSource& source = mask.source();
  if (source.values == nullptr) {
    return work;
  }
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    work.bits[i] = mask.bits(tile.stream, tile.first_block + i);
    work.has_values[i] = mask.block(tile.stream, tile.first_block + i).has_values;
  }
  work.mask_values = reinterpret_cast<const std::uint16_t*>(reinterpret_cast<const std::byte*>(source.values) +
                                                            tile.stream * source.stream_stride +
                                                            work.first_query * source.query_stride);
  work.mask_query_stride = source.query_stride;
  return work;
}

void attend(const AttentionKernelFunctions& kernel, const AttentionArguments& arguments, const AttentionMask& mask,
            AttentionScratch& scratch) {
  check(arguments, mask);
  const std::size_t group = arguments.heads / arguments.kv_heads;
  const std::size_t tile_blocks = tile_blocks_of(group);
  const Plan plan = make_plan(mask, tile_blocks);
  const std::size_t floats = attention_scratch_floats(arguments.head_width, arguments.value_width, tile_blocks, group);
  scratch.reserve(static_cast<std::size_t>(arguments.threads), floats * sizeof(float));
  const std::size_t mask_streams = mask.source().streams;
  const std::size_t repeats = arguments.streams / mask_streams * arguments.kv_heads;
  const std::size_t items = plan.tiles.size() * repeats;
  std::atomic<std::size_t> parts_taken = 0;
#pragma omp parallel num_threads(arguments.threads)
  {
    auto* const part = static_cast<float*>(scratch.part(parts_taken.fetch_add(1)));
#pragma omp for schedule(dynamic, 1)
    for (std::size_t item = 0; item < items; ++item) {
      const QueryTile& tile = plan.tiles[item / repeats];
      const std::size_t stream = tile.stream + item % repeats / arguments.kv_heads * mask_streams;
      kernel.run(work_of(arguments, mask, plan, tile, stream, item % arguments.kv_heads), part);
    }
  }
}

}  // namespace

void AttentionScratch::Free::operator()(std::byte* memory) const {
  ::operator delete(memory, std::align_val_t(kCacheLine));
}

void AttentionScratch::reserve(std::size_t threads, std::size_t bytes) {
  part_ = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  if (threads * part_ <= capacity_) {
    return;
  }
  memory_.reset();
  capacity_ = 0;
  memory_.reset(static_cast<std::byte*>(::operator new(threads* part_, std::align_val_t(kCacheLine))));
  capacity_ = threads * part_;
}

void* AttentionScratch::part(std::size_t thread) const { return memory_.get() + thread * part_; }

std::span<const AttentionKernel> available_attention_kernels() {
  static const std::vector<AttentionKernel> kernels = detect_kernels();
  return kernels;
}

const char* attention_kernel_name(AttentionKernel kernel) {
  constexpr std::array kNames = {"AVX-512", "AVX2", "portable"};  // in their order
  return kNames.at(static_cast<std::size_t>(kernel));
}

const AttentionKernelFunctions& attention_kernel_functions(AttentionKernel kernel) {
#if ENDORM_X86_ATTENTION
  if (kernel == AttentionKernel::kAvx512) {
    return kAvx512Attention;
  }
  if (kernel == AttentionKernel::kAvx2) {
    return kAvx2Attention;
  }
#endif
  static_cast<void>(kernel);
  return kPortableAttention;
}

void attention(const AttentionArguments& arguments, const AttentionMask& mask, AttentionScratch& scratch) {
  attend(attention_kernel_functions(available_attention_kernels().front()), arguments, mask, scratch);
}

void attention_on(AttentionKernel kernel, const AttentionArguments& arguments, const AttentionMask& mask,
                  AttentionScratch& scratch) {
  const auto kernels = available_attention_kernels();
  if (std::find(kernels.begin(), kernels.end(), kernel) == kernels.end()) {
    throw InvalidInput(std::string("[attention_on] kernel ") + attention_kernel_name(kernel) +
                       " cannot run on this processor; choose one of available_attention_kernels()");
  }
  attend(attention_kernel_functions(kernel), arguments, mask, scratch);
}

}  // namespace endorm
