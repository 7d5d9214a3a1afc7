#include "engine/generator.h"

#include <utility>

#include "engine/token_sampler.h"

namespace endorm {

void Generator::generate(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                         const CompletionSink& sink) {
  check_sampling(options);
  generate_each(requests, options, sink);
}

std::vector<Completion> Generator::generate(std::span<const GenerationRequest> requests,
                                            const SamplingOptions& options) {
  std::vector<Completion> completions(requests.size());
  generate(requests, options,
           [&](std::size_t request, Completion completion) { completions[request] = std::move(completion); });
  return completions;
}

}  // namespace endorm
