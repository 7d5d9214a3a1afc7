// EndoRM writing: run_generation --model GGUF --precision NAME --threads N. A line on standard input asks for
// completions, {"prompts": [[token, ..], ..], "max_tokens", "temperature"}; the line that answers has {"seconds",
// "completions": [[token, ..], ..], "products"}. Prompt i draws with seed i.

#include <chrono>
#include <iostream>

#include <nlohmann/json.hpp>

#include "bench/our_engine.h"
#include "bench/runner_loop.h"

namespace endorm {
namespace {

nlohmann::json answer_of(LlamaEngine& engine, const nlohmann::json& asked) {
  SamplingOptions options;
  options.max_tokens = asked.at("max_tokens");
  options.temperature = asked.at("temperature");
  std::vector<GenerationRequest> requests;
  for (const nlohmann::json& prompt : asked.at("prompts")) {
    requests.push_back({prompt.get<Tokens>(), requests.size()});
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<Completion> completions = engine.generator()->generate(requests, options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  nlohmann::json answer = {{"seconds", took.count()}, {"products", our_products(engine)}};
  for (const Completion& completion : completions) {
    answer["completions"].push_back(completion.tokens);
  }
  return answer;
}

void run(const Arguments& arguments) {
  const std::unique_ptr<LlamaEngine> engine = make_our_engine(arguments);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer_of(*engine, nlohmann::json::parse(line)).dump() << std::endl;
  }
}

}  // namespace
}  // namespace endorm

int main(int count, char** values) { return endorm::run_program(count, values, endorm::run); }
