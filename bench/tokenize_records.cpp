// Texts to tokens: tokenize_records --model GGUF --template raw|model. A line in is {"prompt": text, "responses":
// [text]}, a line out {"prompt": [tokens], "responses": [[tokens]]}.

#include <iostream>

#include <nlohmann/json.hpp>

#include "bench/runner_loop.h"
#include "engine/llama/llama_engine.h"

namespace endorm {
namespace {

void run(const Arguments& arguments) {
  LlamaEngineOptions options;
  options.model_path = arguments.at("--model");
  options.template_source = arguments.at("--template") == "raw" ? TemplateSource::kRaw : TemplateSource::kModel;
  options.hash_model = false;
  const std::unique_ptr<LlamaEngine> engine = make_llama_engine(options);
  for (std::string line; std::getline(std::cin, line);) {
    const nlohmann::json record = nlohmann::json::parse(line);
    const Message prompt{"user", record.at("prompt")};
    std::vector<ResponseText> responses;
    for (const nlohmann::json& text : record.at("responses")) {
      responses.push_back({text, true});
    }
    nlohmann::json tokens = {{"responses", nlohmann::json::array()}};
    for (const TokenizedResponse& response : engine->tokenize({&prompt, 1}, responses, {})) {
      tokens["prompt"] = response.prompt;
      tokens["responses"].push_back(response.response);
    }
    std::cout << tokens.dump() << "\n";
  }
}

}  // namespace
}  // namespace endorm

int main(int count, char** values) { return endorm::run_program(count, values, endorm::run); }
