#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama/llama_engine.h"
#include "train/training_data.h"

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

// Draws responses from a decoder that learns, by the engine that draws fastest: its weights, adapters merged into them,
// are written to a scratch file of the run's directory and loaded from there. One caller at a time.
class PolicySampler {
 public:
  // like: the model that the decoder was read from, at engine.model_path. directory: where the file goes.
  PolicySampler(LlamaEngineOptions engine, const WeightFile& like, const std::string& directory);
  ~PolicySampler();  // removes the file
  PolicySampler(const PolicySampler&) = delete;
  PolicySampler& operator=(const PolicySampler&) = delete;

  // From here on responses are those of the decoder's weights as they are now. Throws as export_model.
  void take(const Decoder& decoder);

  // How matrices are multiplied where responses are drawn, as LlamaEngine says it: "exact f32", "native", ... What was
  // taken must be there.
  std::string arithmetic() const;

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

// Responses to problems as the trainer reads them: what was drawn is the target.
std::vector<TrainingSequence> sequences_of(std::span<const SampledResponse> responses,
                                           std::span<const RlProblem> problems);

}  // namespace endorm
