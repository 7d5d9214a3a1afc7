#include "core/top_logits.h"

#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include "core/random.h"

namespace endorm {
namespace {

std::vector<std::pair<std::size_t, double>> places(const TopLogits& top) {
  std::vector<std::pair<std::size_t, double>> found;
  for (const LargestLogit& each : top.sorted()) {
    found.emplace_back(each.place, each.logit);
  }
  return found;
}

TEST_CASE("the largest logits of a row are those of sorting it, however it comes in pieces") {
  RandomStream random(7);
  for (const std::size_t count : {0, 1, 2, 7, 100, 1000}) {
    std::vector<float> row(512);
    for (float& logit : row) {
      logit = static_cast<float>(random.below(200)) / 8.0F;  // many are equal
    }
    row[3] = row[77] = -std::numeric_limits<float>::infinity();
    std::vector<std::pair<std::size_t, double>> expected;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 3 && i != 77) {
        expected.emplace_back(i, row[i]);
      }
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    expected.resize(std::min(count, expected.size()));
    for (const std::size_t piece : {1, 17, 512}) {
      TopLogits top(count);
      for (std::size_t at = 0; at < row.size(); at += piece) {
        top.add(std::span<const float>(row).subspan(at, std::min(piece, row.size() - at)));
      }
      CHECK(places(top) == expected);
    }
  }
}

}  // namespace
}  // namespace endorm
