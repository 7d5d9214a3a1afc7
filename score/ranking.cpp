#include "score/ranking.h"

#include <algorithm>

namespace endorm {

std::vector<std::size_t> ranking(const Scored& scored) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < scored.responses.size(); ++i) {
    if (scored.responses[i].scored) {
      order.push_back(i);
    }
  }
  const auto reward = [&](std::size_t index) { return scored.responses[index].scored->reward; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t left, std::size_t right) { return reward(left) > reward(right); });
  return order;
}

}  // namespace endorm
