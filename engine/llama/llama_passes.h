#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama/kept_prefixes.h"
#include "engine/llama/llama_decode.h"
#include "engine/llama/row_reader.h"
#include "engine/llama/wave_plan.h"

namespace endorm {

// Passes of one model through libllama: the context, what its cache holds, and the reader that statistics come out of.
class LlamaPasses {
 public:
  explicit LlamaPasses(LlamaParts parts);

  // Statistics of the scored nodes at each temperature, [alphas][scored] in the order of the nodes, from one pass (one
  // a temperature where a device computes them); share_prefixes: what paths have in common is computed once, and not at
  // all where it is kept from an earlier run. Throws EngineError where libllama fails or a row of logits is not finite;
  // the next run begins anew.
  std::vector<std::vector<TokenStats>> run(const TokenTree& tree, const EvaluateOptions& options);

  bool statistics_on_device() const { return device_ != nullptr; }
  const std::string& statistics_fault() const { return statistics_fault_; }
  std::size_t tokens_computed() const { return tokens_computed_; }
  std::size_t kept_tokens() const { return kept_tokens_; }

 private:
  void choose_reader();
  void read_on_host(const std::string& fault);
  WavePlan plan(const TokenTree& tree, bool share);
  std::vector<std::vector<TokenStats>> run_plan(const TokenTree& tree, const WavePlan& plan,
                                                const EvaluateOptions& options);
  bool has_room(std::size_t cells) const;
  void make_room(std::size_t cells, std::size_t targets);
  void keep_prompts(const TokenTree& tree, const WaveStep& step, std::span<const char> ends_prompt,
                    std::span<const NodePlace> places);
  void forget_logits();
  HeadResult take(std::span<const std::int32_t> places);

  LlamaParts parts_;
  const LlamaEngineOptions& options_;
  const LlamaModelInfo& info_;
  std::size_t columns_;  // of a row of logits, padding included
  WaveLimits limits_;
  std::atomic<std::size_t> tokens_computed_ = 0;  // since this was made
  std::unique_ptr<RowReader> reader_;
  bool holds_logits_ = true;        // rows of logits are read from libllama's buffer
  DeviceReader* device_ = nullptr;  // the reader, where statistics are computed on the device
  std::string statistics_fault_;    // why they are not, though they were to be
  std::size_t kept_tokens_;         // most that kept_ may hold
  KeptPrefixes kept_;               // in context_
  LlamaContextHandle context_;      // goes before the reader, whose samplers it uses
  std::size_t cells_ = 0;
  std::size_t targets_ = 0;  // most that a pass on the device may ask for
};

}  // namespace endorm
