#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/log_sum_exp.h"

namespace endorm {

// The largest logits of a row that comes in pieces, as many as asked for or as there are: no row need ever be held.
// Masked ones, -infinity, are never among them.
class TopLogits {
 public:
  explicit TopLogits(std::size_t count) : count_(count) {}

  // The next logits of the row, in order. They are finite or -infinity.
  void add(std::span<const float> logits) { add_all(logits); }
  void add(std::span<const double> logits) { add_all(logits); }
  // The largest first, equal ones in the order of their places.
  std::vector<LargestLogit> sorted() const;

 private:
  template <typename Logit>
  void add_all(std::span<const Logit> logits);

  std::size_t count_;
  std::size_t seen_ = 0;
  std::vector<LargestLogit> heap_;  // the least of them first
};

}  // namespace endorm
