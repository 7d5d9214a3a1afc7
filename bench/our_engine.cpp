#include "bench/our_engine.h"

#include <algorithm>

#include "core/errors.h"

namespace endorm {

std::vector<std::string> our_precisions() { return {"exact", "fast", "native"}; }

std::unique_ptr<LlamaEngine> make_our_engine(const std::string& model_path, const std::string& precision, int threads) {
  const std::vector<std::string> known = our_precisions();
  if (std::find(known.begin(), known.end(), precision) == known.end()) {
    throw InvalidInput("[bench] \"" + precision + "\" is no precision of EndoRM. run_ours --list 1 lists them.");
  }
  LlamaEngineOptions options;
  options.model_path = model_path;
  options.template_source = TemplateSource::kRaw;
  options.threads = threads;
  options.hash_model = false;
  options.precision = precision == "exact"  ? Precision::kExact
                      : precision == "fast" ? Precision::kFast
                                            : Precision::kNative;
  return make_llama_engine(options);
}

std::string our_products(LlamaEngine& engine) { return engine.accelerator_info().product_type; }

Pass our_pass(Engine& engine, const Workload& workload) {
  TokenTree tree;
  std::vector<std::vector<std::size_t>> places;
  for (const Candidates& candidates : workload.prompts) {
    for (const Tokens& response : candidates.responses) {
      places.push_back(tree.insert(candidates.prompt, response));
    }
  }
  std::vector<std::size_t> scored_before(tree.nodes().size(), 0);
  std::size_t scored = 0;
  for (std::size_t node = 0; node < tree.nodes().size(); ++node) {
    scored_before[node] = scored;
    scored += tree.nodes()[node].scored ? 1 : 0;
  }
  Pass pass;
  const std::size_t computed_before = engine.tokens_computed();
  const std::vector<TokenStats> stats = engine.evaluate(tree, {}).front();
  pass.tokens_computed = engine.tokens_computed() - computed_before;
  for (const auto& nodes : places) {
    for (const std::size_t node : nodes) {
      const TokenStats& token = stats[scored_before[node]];
      pass.log_probs.push_back(token.logit - token.log_sum_exp);
    }
  }
  return pass;
}

}  // namespace endorm
