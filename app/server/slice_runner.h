#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "app/server/turn_order.h"
#include "engine/engine.h"
#include "score/stats_cache.h"

namespace endorm {

// What a slice took.
struct SliceCounts {
  std::size_t responses = 0;
  std::size_t tokens_asked = 0;     // of prompts and responses, and of what work reads
  std::size_t tokens_computed = 0;  // the rest was shared, or known
  std::size_t tokens_drawn = 0;     // computed beside these, to draw
};

// Computes slices of queued requests on an engine, and keeps statistics for texts that come again. For one thread.
class SliceRunner {
 public:
  // cached_tokens: whose statistics are kept at most. The engine outlives this.
  SliceRunner(Engine& engine, std::size_t cached_tokens) : engine_(engine), cached_tokens_(cached_tokens) {}

  // What becomes of each part is noted in its request; whose fault it is, in that alone.
  SliceCounts compute(std::span<const SlicePart> slice);

 private:
  bool score_together(std::span<const SlicePart> parts);
  void do_work(std::span<const SlicePart> slice);
  void forget_when_full(std::size_t tokens);

  Engine& engine_;
  std::size_t cached_tokens_;
  StatsCache cache_{std::nullopt};
  std::size_t cached_ = 0;  // tokens
  SliceCounts counts_;      // of the slice that is computed
};

}  // namespace endorm
