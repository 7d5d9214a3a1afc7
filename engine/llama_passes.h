#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/device_reader.h"
#include "engine/engine.h"
#include "engine/llama_decode.h"
#include "engine/row_reader.h"
#include "engine/wave_plan.h"

namespace endorm {

// Passes of one model through libllama: the context, what its cache holds, and the reader that statistics come out of.
class LlamaPasses {
 public:
  explicit LlamaPasses(LlamaParts parts);

  // What a plan for run() must keep to.
  const WaveLimits& limits() const { return limits_; }

  // Statistics of the scored nodes, in the order of the nodes. Throws EngineError where libllama fails or a row of
  // logits is not finite; the next run begins anew.
  std::vector<TokenStats> run(const TokenTree& tree, const WavePlan& plan, double alpha);

  bool statistics_on_device() const { return device_ != nullptr; }
  const std::string& statistics_fault() const { return statistics_fault_; }
  const EvaluateCounts& counts() const { return counts_; }

 private:
  void choose_reader();
  void read_on_host(const std::string& fault);
  void make_room(std::size_t cells, std::size_t targets);
  void forget_logits();
  HeadResult take(std::span<const std::int32_t> places);

  LlamaParts parts_;
  const LlamaEngineOptions& options_;
  const LlamaModelInfo& info_;
  std::size_t columns_;  // of a row of logits, padding included
  WaveLimits limits_;
  EvaluateCounts counts_;
  std::unique_ptr<RowReader> reader_;
  bool holds_logits_ = true;        // rows of logits are read from libllama's buffer
  DeviceReader* device_ = nullptr;  // the reader, where statistics are computed on the device
  std::string statistics_fault_;    // why they are not, though they were to be
  LlamaContextHandle context_;      // goes before the reader, whose samplers it uses
  std::size_t cells_ = 0;
  std::size_t targets_ = 0;  // most that a pass on the device may ask for
};

}  // namespace endorm
