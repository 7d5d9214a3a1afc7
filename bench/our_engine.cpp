#include "bench/our_engine.h"

#include "core/errors.h"

namespace endorm {

std::unique_ptr<LlamaEngine> make_our_engine(const Arguments& arguments) {
  const std::string name = arguments.at("--precision");
  LlamaEngineOptions options;
  options.model_path = arguments.at("--model");
  options.template_source = TemplateSource::kRaw;
  options.threads = std::stoi(arguments.at("--threads"));
  options.hash_model = false;
  for (const Precision precision : {Precision::kExact, Precision::kFast, Precision::kNative}) {
    if (name == precision_name(precision)) {
      options.precision = precision;
      return make_llama_engine(options);
    }
  }
  throw InvalidInput("[bench] \"" + name + "\" is no precision of EndoRM. There are exact, fast and native.");
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
