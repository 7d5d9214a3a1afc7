#include "eval/chosen_rows.h"

#include <algorithm>
#include <set>

#include "core/random.h"

namespace endorm {

// The random choice: Floyd 1987.
std::vector<std::size_t> chosen_rows(std::size_t count, std::size_t limit, std::optional<std::uint64_t> seed) {
  std::vector<std::size_t> chosen;
  if (limit >= count || !seed) {
    for (std::size_t i = 0; i < std::min(limit, count); ++i) {
      chosen.push_back(i);
    }
    return chosen;
  }
  RandomStream random(*seed);
  std::set<std::size_t> drawn;
  for (std::size_t last = count - limit; last < count; ++last) {
    if (!drawn.insert(random.below(last + 1)).second) {
      drawn.insert(last);
    }
  }
  chosen.assign(drawn.begin(), drawn.end());
  return chosen;
}

}  // namespace endorm
