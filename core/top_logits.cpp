#include "core/top_logits.h"

#include <algorithm>
#include <limits>

namespace endorm {
namespace {

// Whether `a` is told of before `b`; as the order of a heap it puts the last to be told first.
bool before(const LargestLogit& a, const LargestLogit& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.place < b.place);
}

}  // namespace

template <typename Logit>
void TopLogits::add_all(std::span<const Logit> logits) {
  const auto least = [&] {
    return heap_.size() < count_ ? -std::numeric_limits<double>::infinity() : heap_.front().logit;
  };
  if (count_ == 0) {
    return;
  }
  double threshold = least();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const auto logit = static_cast<double>(logits[i]);
    if (!(logit > threshold)) {  // an equal one stands behind those that are there
      continue;
    }
    if (heap_.size() == count_) {
      std::pop_heap(heap_.begin(), heap_.end(), before);
      heap_.pop_back();
    }
    heap_.push_back({seen_ + i, logit});
    std::push_heap(heap_.begin(), heap_.end(), before);
    threshold = least();
  }
  seen_ += logits.size();
}

template void TopLogits::add_all(std::span<const float>);
template void TopLogits::add_all(std::span<const double>);

std::vector<LargestLogit> TopLogits::sorted() const {
  std::vector<LargestLogit> all = heap_;
  std::sort(all.begin(), all.end(), before);
  return all;
}

}  // namespace endorm
