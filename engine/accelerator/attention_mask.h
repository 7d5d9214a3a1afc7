#pragma once

#include <cstddef>
#include <cstdint>
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

}  // namespace endorm
