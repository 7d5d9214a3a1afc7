#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include "core/errors.h"
#include "engine/accelerator/attention.h"
#include "engine/accelerator/attention_kernels.h"

namespace endorm {
namespace {

void check(const AttentionMaskSource& source, int threads) {
  const auto refuse = [](const std::string& fact) { throw InvalidInput("[AttentionMask] " + fact); };
  if (source.queries == 0 || source.keys == 0 || source.streams == 0) {
    refuse("queries, keys and streams must be at least 1; got " + std::to_string(source.queries) + ", " +
           std::to_string(source.keys) + " and " + std::to_string(source.streams));
  }
  if (source.keys > std::numeric_limits<std::uint32_t>::max()) {
    refuse("keys must be less than 2^32; got " + std::to_string(source.keys));
  }
  if (threads < 1) {
    refuse("threads must be at least 1; got " + std::to_string(threads));
  }
  if (source.values == nullptr) {
    return;
  }
  if (source.queries > 1 && source.query_stride < source.keys * sizeof(std::uint16_t)) {
    refuse("a query_stride of " + std::to_string(source.query_stride) + " bytes is shorter than a row of " +
           std::to_string(source.keys) + " f16 numbers");
  }
  if (source.streams > 1 && source.stream_stride < source.queries * source.query_stride) {
    refuse("a stream_stride of " + std::to_string(source.stream_stride) + " bytes is shorter than " +
           std::to_string(source.queries) + " rows");
  }
}

}  // namespace

AttentionMask::AttentionMask(const AttentionMaskSource& source, int threads) : source_(source) {
  check(source, threads);
  blocks_ = (source.queries + kBlock - 1) / kBlock;
  const std::size_t count = source.streams * blocks_;
  map_.resize(count);
  if (source.values == nullptr) {
    runs_ = {{0, static_cast<std::uint32_t>(source.keys)}};
    std::fill(map_.begin(), map_.end(), Block{0, 1, source.keys, false});
    visible_pairs_ = source.streams * source.queries * source.keys;
    return;
  }
  bits_.resize(count * source.keys);
  std::vector<std::vector<Run>> found(count);
  std::size_t visible_pairs = 0;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) reduction(+ : visible_pairs)
  for (std::size_t index = 0; index < count; ++index) {
    visible_pairs += read_block(index, found[index]);
  }
  visible_pairs_ = visible_pairs;
  for (std::size_t index = 0; index < count; ++index) {
    map_[index].first_run = runs_.size();
    map_[index].run_count = found[index].size();
    runs_.insert(runs_.end(), found[index].begin(), found[index].end());
  }
}

std::size_t AttentionMask::read_block(std::size_t index, std::vector<Run>& runs) {
  const std::size_t stream = index / blocks_;
  const std::size_t first_query = index % blocks_ * kBlock;
  const std::size_t rows = std::min(kBlock, source_.queries - first_query);
  const auto* values = reinterpret_cast<const std::byte*>(source_.values) + stream * source_.stream_stride +
                       first_query * source_.query_stride;
  std::uint16_t* bits = bits_.data() + index * source_.keys;
  Block& block = map_[index];
  const AttentionKernelFunctions& kernel = attention_kernel_functions(available_attention_kernels().front());
  block.has_values =
      kernel.read_mask(reinterpret_cast<const std::uint16_t*>(values), source_.query_stride, rows, source_.keys, bits);
  const unsigned past_the_end = 0xFFFFU << rows;
  std::size_t visible_pairs = 0;
  for (std::size_t key = 0; key < source_.keys; ++key) {
    if (bits[key] == 0) {
      continue;
    }
    visible_pairs += static_cast<std::size_t>(std::popcount(bits[key]));
    bits[key] = static_cast<std::uint16_t>(bits[key] | past_the_end);
    const auto begin = static_cast<std::uint32_t>(key);
    if (!runs.empty() && runs.back().end == begin) {
      ++runs.back().end;
    } else {
      runs.push_back({begin, begin + 1});
    }
    ++block.visible_keys;
  }
  return visible_pairs;
}

}  // namespace endorm
