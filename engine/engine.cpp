#include "engine/engine.h"

#include <utility>

#include "engine/completion_draft.h"
#include "engine/generator.h"

namespace endorm {

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

std::vector<std::vector<std::vector<TokenStats>>> evaluate_paths(Engine& engine, std::span<const TokenPath> paths,
                                                                 const EvaluateOptions& options) {
  TokenTree tree;
  std::vector<std::vector<std::size_t>> nodes;  // [B][T]
  for (const TokenPath& path : paths) {
    nodes.push_back(tree.insert(path.prefix, path.continuation));
  }
  std::vector<std::size_t> place(tree.nodes().size());  // of a scored node among them: statistics come in node order
  std::size_t next = 0;
  for (std::size_t node = 0; node < place.size(); ++node) {
    place[node] = tree.nodes()[node].scored ? next++ : 0;
  }
  std::vector<std::vector<std::vector<TokenStats>>> of_alpha;
  for (const std::vector<TokenStats>& stats : engine.evaluate(tree, options)) {
    std::vector<std::vector<TokenStats>>& of_paths = of_alpha.emplace_back(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      for (const std::size_t node : nodes[i]) {
        of_paths[i].push_back(stats[place[node]]);
      }
    }
  }
  return of_alpha;
}

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
