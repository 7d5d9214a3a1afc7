#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama_engine.h"
#include "train/frozen_model.h"
#include "train/rl_problem.h"

namespace endorm {

class Decoder;
class WeightFile;

// A response that the policy drew. T tokens.
struct SampledResponse {
  std::size_t problem = 0;       // its index among those that were asked
  Tokens tokens;                 // [T], the one that ended the turn behind the others
  std::vector<double> log_prob;  // [T] nats, as the engine that drew them says
  std::string text;              // without what ended the turn
  bool truncated = false;        // max_tokens came first
};

// Draws responses from a decoder that learns, by the engine that draws fastest: its weights, or its adapters, are
// written to a file of the run's directory and loaded from there. One caller at a time.
class PolicySampler {
 public:
  // like: the model that the decoder was read from, at engine.model_path. directory: where the file goes.
  PolicySampler(LlamaEngineOptions engine, const WeightFile& like, const std::string& directory);
  ~PolicySampler();  // removes the file
  PolicySampler(const PolicySampler&) = delete;
  PolicySampler& operator=(const PolicySampler&) = delete;

  // From here on responses are those of the decoder's weights as they are now. Throws as export_model.
  void take(const Decoder& decoder);

  // `each` responses to every problem, those of one problem side by side, drawn together. Response j of problem i
  // depends on seed, i and j alone. Throws as Engine::generate.
  std::vector<SampledResponse> draw(std::span<const RlProblem> problems, std::size_t each,
                                    const SamplingOptions& options, std::uint64_t seed);

 private:
  LlamaEngineOptions options_;
  const WeightFile& like_;
  std::string path_;
  std::unique_ptr<LlamaEngine> engine_;
};

}  // namespace endorm
