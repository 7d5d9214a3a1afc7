#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "bench/workload.h"

namespace endorm {

// libllama as its own perplexity tool uses it: no prefix is shared, the logits of every scored token are written out,
// a scalar softmax runs over them in every thread. Its quantised weights are repacked at load, as is its default.
class LibllamaRival {
 public:
  // What can be set without changing what is computed.
  struct Setting {
    std::size_t ubatch = 512;
    bool flash_attention = true;
    std::size_t sequences = 1;  // decoded together
  };

  LibllamaRival(const std::string& model_path, int threads);
  ~LibllamaRival();

  // Finds the fastest setting on the first sequences of the workload and keeps it. Returns it in words.
  std::string tune(const Workload& workload);
  Pass pass(const Workload& workload);

 private:
  struct State;
  void use(const Setting& setting, std::size_t longest);
  double seconds(const Setting& setting, const Workload& workload);

  std::unique_ptr<State> state_;
};

}  // namespace endorm
