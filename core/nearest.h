#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// Edits that make one word of another (Levenshtein).
inline std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// Of some words the one that another was meant to be; none where no one is near.
template <typename Words>
std::optional<std::string> nearest(std::string_view word, const Words& words) {
  const auto found = std::min_element(
      words.begin(), words.end(), [&](const auto& a, const auto& b) { return distance(a, word) < distance(b, word); });
  return found != words.end() && distance(*found, word) <= 1 + word.size() / 3
             ? std::optional<std::string>(std::string(*found))
             : std::nullopt;
}

}  // namespace endorm
