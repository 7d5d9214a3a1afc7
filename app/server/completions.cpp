#include "app/server/completions.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "app/server/request_fields.h"
#include "core/errors.h"
#include "core/utf8.h"
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

constexpr std::size_t kMostBiased = 1024;

bool is_no_top_k(const Json& value) {
  return value.is_number() && (value.get<double>() == 0.0 || value.get<double>() == -1.0);
}
bool is_plain_text(const Json& value) { return value == Json{{"type", "text"}}; }

constexpr std::array<std::string_view, 33> kCompletionFields = {
    "prompt", "echo", "logprobs", "prompt_logprobs", "max_tokens", "temperature", "top_p", "stop", "seed", "n",
    "best_of", "suffix", "stream", "stream_options", "logit_bias", "frequency_penalty", "presence_penalty",
    "top_logprobs",
    // llama-server's and vLLM's ways to compute the same.
    "id_slot", "cache_prompt", "cache_salt", "timings_per_token", "return_progress", "n_probs", "post_sampling_probs",
    // What changes how tokens are drawn: kSampling.
    "top_k", "min_p", "typical_p", "mirostat", "dynatemp_range", "xtc_probability", "top_n_sigma", "samplers"};
constexpr std::array<UnsupportedField, 8> kSampling = {{
    {"top_k", is_no_top_k, "Use \"top_p\"."},
    {"min_p", is_zero, "Use \"top_p\"."},
    {"typical_p", is_one, "Use \"top_p\"."},
    {"mirostat", is_zero, "Leave it out."},
    {"dynatemp_range", is_zero, "Leave it out."},
    {"xtc_probability", is_zero, "Leave it out."},
    {"top_n_sigma", is_nothing, "Leave it out."},
    {"samplers", is_nothing, "Leave it out."},
}};
constexpr std::array<UnsupportedField, 21> kNotOfCompletions = {{
    {"n_predict", is_nothing, "Send \"max_tokens\"."},
    {"repetition_penalty", is_one, "Leave it out."},
    {"repeat_penalty", is_one, "Leave it out."},
    {"dry_multiplier", is_zero, "Leave it out."},
    {"min_tokens", is_zero, "Leave it out."},
    {"ignore_eos", is_false, "Leave it out."},
    {"stop_token_ids", is_empty, "Send \"stop\" as text."},
    {"bad_words", is_empty, "Leave it out."},
    {"allowed_token_ids", is_empty, "Leave it out."},
    {"grammar", is_empty, "Leave it out."},
    {"json_schema", is_nothing, "Leave it out."},
    {"response_format", is_plain_text, "Leave it out."},
    {"structured_outputs", is_nothing, "Leave it out."},
    {"guided_json", is_nothing, "Leave it out."},
    {"guided_regex", is_empty, "Leave it out."},
    {"guided_choice", is_empty, "Leave it out."},
    {"use_beam_search", is_false, "Leave it out."},
    {"include_stop_str_in_output", is_false, "Leave it out."},
    {"add_special_tokens", is_true, "Send the prompt as token ids."},
    {"truncate_prompt_tokens", is_nothing, "Send a shorter prompt."},
    {"prompt_embeds", is_nothing, "Send text or token ids."},
}};

// llama-server's pairs [[id, bias or false], ..] or OpenAI's {"id": bias}.
std::map<Token, double> logit_bias_of(const Json& body) {
  const std::optional<JsonField> found = JsonField(body).find("logit_bias");
  std::map<Token, double> bias;
  if (!found) {
    return bias;
  }
  const auto add = [&](Token token, const Json& value, const std::string& name) {
    const bool never = value.is_boolean() && !value.get<bool>();
    bias[token] += never ? -std::numeric_limits<double>::infinity() : JsonField(value, name).number();
  };
  if (found->value().is_object()) {
    for (const auto& [id, value] : found->value().items()) {
      Token token = 0;
      const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), token);
      if (error != std::errc() || end != id.data() + id.size() || token < 0) {
        throw InvalidInput("\"logit_bias\" names " + Json(excerpt(id)).dump() + ", which is no token id.");
      }
      add(token, value, "logit_bias." + id);
    }
  } else {
    for (const JsonField& pair : found->list("a list of pairs or an object")) {
      const std::vector<JsonField> parts = pair.list("a pair of token id and bias");
      if (parts.size() != 2) {
        pair.wrong_type("a pair of token id and bias");
      }
      const Json id = Json::array({parts[0].value()});
      add(read_token_ids(JsonField(id, pair.name())).front(), parts[1].value(), parts[1].name());
    }
  }
  if (bias.size() > kMostBiased) {
    throw InvalidInput("\"logit_bias\" has " + std::to_string(bias.size()) + " tokens, expected at most " +
                       std::to_string(kMostBiased) + ".");
  }
  return bias;
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

std::size_t likeliest_field(const Json& body, const char* name) {
  const std::size_t count = JsonField(body).at(name).count();
  if (count > kMostLikeliest) {
    throw InvalidInput("\"" + std::string(name) + "\" is " + std::to_string(count) + ", expected at most " +
                       std::to_string(kMostLikeliest) + ".");
  }
  return count;
}

CompletionsRequest read_completions(const Json& body, const ProtocolContext& context) {
  check_fields(body, context, kCompletionFields, kNotOfCompletions);
  if (optional_field(body, "suffix")) {
    throw InvalidInput("\"suffix\" is not supported.");
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
    request.log_probs = log_probs->is_boolean() ? 1 : likeliest_field(body, "logprobs");
  }
  if (optional_field(body, "prompt_logprobs")) {
    request.prompt_log_probs = likeliest_field(body, "prompt_logprobs");
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
  if (const Json* stops = optional_field(body, "stop"); stops && *stops != Json::array()) {
    for (std::string& stop : texts_field(body, "stop")) {
      if (!stop.empty()) {
        request.sampling.stop.push_back(std::move(stop));
      }
    }
  }
  if (optional_field(body, "seed")) {
    request.seed = count_field(body, "seed", 0);
  }
  request.logit_bias = logit_bias_of(body);
  const bool one_greedy = request.sampling.max_tokens == 1 && request.sampling.temperature == 0.0;
  if (!request.logit_bias.empty() && (!one_greedy || request.echo || request.prompt_log_probs)) {
    throw InvalidInput(
        "\"logit_bias\" is supported for one token alone: \"max_tokens\" 1 and \"temperature\" 0, "
        "without \"echo\" and \"prompt_logprobs\".");
  }
  if (request.sampling.temperature > 0.0 && request.sampling.max_tokens > 0) {
    check_fields(body, {}, {}, kSampling);
  }
  return request;
}

}  // namespace endorm
