#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

// The rows of logits that tests/golden/core_golden.py computed with: made here by the same recurrence, bit by bit.
namespace endorm::test {

struct GoldenRow {
  std::uint64_t seed = 0;
  std::size_t size = 0;
  double scale = 0.0;
  double offset = 0.0;
  std::size_t mask_every = 0;  // 0: nothing is masked
};

struct LogitRow {
  std::vector<float> logits;  // [V]
  std::size_t token = 0;      // the one that is scored
};

inline LogitRow make_row(const GoldenRow& row) {
  std::uint64_t state = row.seed;
  const auto next = [&state] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 40;
  };
  LogitRow made;
  made.logits.reserve(row.size);
  for (std::size_t i = 0; i < row.size; ++i) {
    const double centred = static_cast<double>(next()) - 0x1p23;
    made.logits.push_back(static_cast<float>(centred * row.scale / 0x1p23 + row.offset));
  }
  if (row.mask_every > 0) {
    for (std::size_t i = 1; i < row.size; i += row.mask_every) {
      made.logits[i] = -std::numeric_limits<float>::infinity();
    }
  }
  made.token = next() % row.size;
  if (made.logits[made.token] == -std::numeric_limits<float>::infinity()) {
    made.token = (made.token + 1) % row.size;
  }
  return made;
}

}  // namespace endorm::test
