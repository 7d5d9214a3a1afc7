#pragma once

#include <memory>
#include <vector>

#include "engine/accelerator/attention.h"

namespace endorm {

// ggml's own flash attention on its CPU backend, as a model's graph calls it.
class GgmlAttentionRival {
 public:
  // Copies q, k and v, which lie without gaps (k and v f16, one stream), and the mask, which has values.
  GgmlAttentionRival(const AttentionArguments& arguments, const AttentionMaskSource& mask);
  ~GgmlAttentionRival();

  void run();
  // [queries, heads, value_width]
  std::vector<float> out() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
