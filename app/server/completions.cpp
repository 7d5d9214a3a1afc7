#include "app/server/completions.h"

#include <utility>

#include "core/errors.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

std::size_t count_field(const Json& body, const char* name, std::size_t otherwise) {
  const std::optional<JsonField> found = JsonField(body).find(name);
  return found ? found->count() : otherwise;
}

double number_field(const Json& body, const char* name, double otherwise) {
  const std::optional<JsonField> found = JsonField(body).find(name);
  return found ? found->number() : otherwise;
}

// A text or a list of texts, a list of token ids or a list of such lists.
std::vector<CompletionPrompt> prompts_field(const Json& body) {
  const Json& prompt = field(body, "prompt");
  std::vector<CompletionPrompt> prompts;
  if (prompt.is_array() && !prompt.empty() && prompt.front().is_number()) {
    prompts.push_back({{}, read_token_ids(JsonField(prompt, "prompt"))});
  } else if (prompt.is_array() && !prompt.empty() && prompt.front().is_array()) {
    for (const Json& ids : prompt) {
      prompts.push_back({{}, read_token_ids(JsonField(ids, element("prompt", prompts.size())))});
    }
  } else {
    for (std::string& text : texts_field(body, "prompt")) {
      prompts.push_back({std::move(text), {}});
    }
  }
  return prompts;
}

}  // namespace

CompletionsRequest read_completions(const Json& body) {
  for (const char* name : {"suffix", "logit_bias"}) {
    if (optional_field(body, name)) {
      throw InvalidInput("\"" + std::string(name) + "\" is not supported.");
    }
  }
  for (const char* name : {"frequency_penalty", "presence_penalty"}) {
    if (number_field(body, name, 0.0) != 0.0) {
      throw InvalidInput("\"" + std::string(name) + "\" is not supported.");
    }
  }
  for (const char* name : {"n", "best_of"}) {
    if (count_field(body, name, 1) != 1) {
      throw InvalidInput("\"" + std::string(name) + "\" above 1 is not supported: send the prompt as often.");
    }
  }
  if (const Json* stream = optional_field(body, "stream"); stream && *stream != Json(false)) {
    throw InvalidInput("\"stream\" is not supported here.");
  }
  CompletionsRequest request;
  request.prompts = prompts_field(body);
  request.echo = flag_field(body, "echo", false);
  if (const Json* log_probs = optional_field(body, "logprobs"); log_probs && *log_probs != Json(false)) {
    request.log_probs = log_probs->is_boolean() ? 1 : count_field(body, "logprobs", 0);
  }
  request.sampling.max_tokens = count_field(body, "max_tokens", 16);
  request.sampling.temperature = number_field(body, "temperature", 1.0);
  request.sampling.top_p = number_field(body, "top_p", 1.0);
  if (request.sampling.temperature < 0.0) {
    throw InvalidInput("\"temperature\" is below 0.");
  }
  if (!(request.sampling.top_p > 0.0 && request.sampling.top_p <= 1.0)) {
    throw InvalidInput("\"top_p\" is not above 0 and at most 1.");
  }
  if (optional_field(body, "stop")) {
    for (std::string& stop : texts_field(body, "stop")) {
      if (!stop.empty()) {
        request.sampling.stop.push_back(std::move(stop));
      }
    }
  }
  request.seed = count_field(body, "seed", 0);
  return request;
}

}  // namespace endorm
