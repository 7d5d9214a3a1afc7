#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "score/score_run.h"

namespace endorm {

// At most `limit` of `count` indices in ascending order: the first, or with a seed a random choice.
std::vector<std::size_t> chosen_rows(std::size_t count, std::size_t limit, std::optional<std::uint64_t> seed);

// Those of one of n parts: they are dealt out in turn.
template <typename Item>
std::vector<Item> of_shard(const std::vector<Item>& items, const Shard& shard) {
  std::vector<Item> own;
  for (std::size_t i = shard.index - 1; i < items.size(); i += shard.count) {
    own.push_back(items[i]);
  }
  return own;
}

}  // namespace endorm
