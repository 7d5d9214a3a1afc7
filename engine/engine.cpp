#include "engine/engine.h"

#include <utility>

#include "core/errors.h"
#include "engine/llama/token_sampler.h"

namespace endorm {
namespace {

[[noreturn]] void refuse(const char* what, const Engine& engine) {
  const std::string& reason = engine.capabilities().missing_reason;
  throw InvalidInput("[" + std::string(what) + "] " + engine.model_name() + " cannot do this" +
                     (reason.empty() ? std::string(": use a local model") : ": " + reason));
}

}  // namespace

std::vector<TokenizedResponse> Engine::tokenize_raw(std::string_view, std::span<const ResponseText>,
                                                    const TemplateOptions&) const {
  refuse("tokenize_raw", *this);
}

TurnMarks Engine::turn_marks(const TemplateOptions&, const std::string& opening) const {
  TurnMarks marks;
  marks.opening = opening;
  return marks;
}

std::vector<std::vector<TokenStats>> Engine::evaluate_alphas(const TokenTree& tree, std::span<const double> alphas,
                                                             const EvaluateOptions& options) {
  std::vector<std::vector<TokenStats>> of_alpha;
  EvaluateOptions at = options;
  for (const double alpha : alphas) {
    at.alpha = alpha;
    of_alpha.push_back(evaluate(tree, at));
  }
  return of_alpha;
}

TokenizedResponse Engine::tokenize_ids(const Tokens& prompt, const Tokens& response) const {
  TokenizedResponse result;
  result.prompt = prompt;
  result.response = response;
  result.context = ResponseContext::kTokens;
  for (const Token token : response) {
    result.byte_offsets.push_back(result.text.size());
    result.text += token_bytes(token);
  }
  return result;
}

Tokens Engine::open_turn(std::span<const Message>, const TemplateOptions&) const { refuse("open_turn", *this); }

void Engine::generate(std::span<const GenerationRequest> requests, const SamplingOptions& options,
                      const CompletionSink& sink) {
  check_sampling(options);
  generate_each(requests, options, sink);
}

std::vector<Completion> Engine::generate(std::span<const GenerationRequest> requests, const SamplingOptions& options) {
  std::vector<Completion> completions(requests.size());
  generate(requests, options,
           [&](std::size_t request, Completion completion) { completions[request] = std::move(completion); });
  return completions;
}

void Engine::generate_each(std::span<const GenerationRequest>, const SamplingOptions&, const CompletionSink&) {
  refuse("generate", *this);
}

std::vector<std::vector<float>> Engine::hidden_states(std::span<const Tokens>) { refuse("hidden_states", *this); }

}  // namespace endorm
