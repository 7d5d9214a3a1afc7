// EndoRM as a contender: run_ours --model GGUF --precision exact|fast|native --threads N. Completion i draws with seed
// i.

#include <memory>

#include "bench/runner_loop.h"
#include "core/errors.h"
#include "engine/engine.h"
#include "engine/llama/llama_engine.h"

namespace endorm {
namespace {

std::unique_ptr<LlamaEngine> make_engine(const Arguments& arguments) {
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

// The workload through one tree: what sequences share is computed once.
Pass pass(Engine& engine, const Workload& workload) {
  std::vector<TokenPath> paths;
  for (const Candidates& candidates : workload) {
    for (const Tokens& response : candidates.responses) {
      paths.push_back({candidates.prompt, response});
    }
  }
  Pass pass;
  const std::size_t computed_before = engine.tokens_computed();
  const std::vector<std::vector<TokenStats>> stats = evaluate_paths(engine, paths, {}).front();
  for (const std::vector<TokenStats>& response : stats) {
    for (const TokenStats& token : response) {
      pass.log_probs.push_back(token.logit - token.log_sum_exp);
    }
  }
  pass.tokens_computed = engine.tokens_computed() - computed_before;
  return pass;
}

std::vector<Tokens> write(Engine& engine, const std::vector<Tokens>& prompts, const SamplingOptions& options) {
  std::vector<GenerationRequest> requests;
  for (const Tokens& prompt : prompts) {
    requests.push_back({prompt, requests.size()});
  }
  std::vector<Tokens> written;
  for (const Completion& completion : engine.generator()->generate(requests, options)) {
    written.push_back(completion.tokens);
  }
  return written;
}

void run(const Arguments& arguments) {
  const std::unique_ptr<LlamaEngine> engine = make_engine(arguments);
  serve_contender(
      {.products = engine->accelerator_info().product_type,
       .tune = [](const Workload&) { return "as it comes"; },
       .pass = [&](const Workload& workload) { return pass(*engine, workload); },
       .write = [&](const auto& prompts, const auto& options) { return write(*engine, prompts, options); }});
}

}  // namespace
}  // namespace endorm

int main(int count, char** values) { return endorm::run_program(count, values, endorm::run); }
