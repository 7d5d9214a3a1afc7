#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "app/server/reward_queue.h"

namespace endorm {

// Whether queues move: of one where something waits, slices end. For one thread.
class QueueWatch {
 public:
  using Clock = std::chrono::steady_clock;

  void look(const std::string& model, const QueueCounts& counts, Clock::time_point now) {
    Seen& seen = seen_.try_emplace(model, Seen{counts.batches, now}).first->second;
    if (counts.waiting == 0 || counts.batches != seen.batches) {
      seen = {counts.batches, now};
    }
  }
  // A model whose queue has not moved for that long; empty: there is none.
  std::string stuck(std::chrono::milliseconds within, Clock::time_point now) const {
    for (const auto& [model, seen] : seen_) {
      if (now - seen.moved > within) {
        return model;
      }
    }
    return "";
  }

 private:
  struct Seen {
    std::size_t batches = 0;
    Clock::time_point moved;
  };
  std::map<std::string, Seen> seen_;
};

}  // namespace endorm
