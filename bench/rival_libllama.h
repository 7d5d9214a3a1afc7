#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/workload.h"

namespace endorm {

// libllama as its own perplexity tool uses it: every sequence alone, the logits of every token, a scalar softmax in
// every thread.
class LibllamaRival {
 public:
  // What can be set without changing what is computed.
  struct Setting {
    std::size_t ubatch = 512;
    bool flash_attention = true;
  };

  LibllamaRival(const std::string& model_path, int threads, std::size_t longest, const Setting& setting);
  ~LibllamaRival();

  std::vector<double> log_probs(const Workload& workload);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace endorm
