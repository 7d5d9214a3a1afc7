#include "train/policy_sampler.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/random.h"
#include "engine/weights/weight_file.h"
#include "train/decoder.h"
#include "train/export.h"

namespace endorm {

PolicySampler::PolicySampler(LlamaEngineOptions engine, const WeightFile& like, const std::string& directory)
    : options_(std::move(engine)), like_(like), path_((std::filesystem::path(directory) / "policy.gguf").string()) {}

PolicySampler::~PolicySampler() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void PolicySampler::take(const Decoder& decoder) {
  engine_.reset();  // it maps the file that is written now
  LlamaEngineOptions options = options_;
  options.hash_model = false;
  options.model_path = path_;
  export_model(path_, like_, decoder, TensorType::kF32, Durability::kScratch);
  engine_ = make_llama_engine(options);
}

std::string PolicySampler::arithmetic() const { return engine_->model().arithmetic; }

std::vector<SampledResponse> PolicySampler::draw(std::span<const RlProblem> problems, std::size_t each,
                                                 const SamplingOptions& options, std::uint64_t seed) {
  RandomStream seeds(seed);
  std::vector<GenerationRequest> requests;
  for (const RlProblem& problem : problems) {
    for (std::size_t sample = 0; sample < each; ++sample) {
      requests.push_back({problem.prompt, seeds.next()});
    }
  }
  SamplingOptions asked = options;
  asked.log_probs = true;
  std::vector<Completion> completions = engine_->generator()->generate(requests, asked);
  std::vector<SampledResponse> responses;
  responses.reserve(completions.size());
  for (std::size_t problem = 0; problem < problems.size(); ++problem) {
    for (Completion& completion : std::span(completions).subspan(problem * each, each)) {
      SampledResponse response{.problem = problem,
                               .tokens = std::move(completion.tokens),
                               .log_prob = std::move(completion.log_probs),
                               .text = std::move(completion.text),
                               .truncated = completion.end == CompletionEnd::kLength};
      if (completion.end_token) {
        response.tokens.push_back(*completion.end_token);
      }
      responses.push_back(std::move(response));
    }
  }
  return responses;
}

std::vector<TrainingSequence> sequences_of(std::span<const SampledResponse> responses,
                                           std::span<const RlProblem> problems) {
  std::vector<TrainingSequence> sequences;
  for (const SampledResponse& response : responses) {
    const Tokens& prompt = problems[response.problem].prompt;
    TrainingSequence& sequence = sequences.emplace_back(TrainingSequence{prompt, prompt.size()});
    sequence.tokens.insert(sequence.tokens.end(), response.tokens.begin(), response.tokens.end());
  }
  return sequences;
}

}  // namespace endorm
