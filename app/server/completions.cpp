#include "app/server/completions.h"

#include <utility>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/engine.h"
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

// One token of the reply.
struct ShownToken {
  std::string bytes;
  std::optional<double> log_prob;  // none of the first token of a text: nothing stands before it
  std::optional<std::pair<std::string, double>> likeliest;
};

struct ShownText {
  std::vector<ShownToken> tokens;
  std::string finish = "length";
};

ShownToken shown(const Engine& engine, Token token, const TokenStats& stats) {
  ShownToken result{engine.token_bytes(token), stats.logit - stats.log_sum_exp, {}};
  if (stats.largest) {
    result.likeliest = {engine.token_bytes(static_cast<Token>(stats.largest->place)),
                        stats.largest->logit - stats.log_sum_exp};
  }
  return result;
}

// The caller's text as tokens.
struct PromptText {
  std::string text;
  Tokens tokens;                          // BOS among them where the model wants it
  std::size_t added = 0;                  // of these at the beginning: BOS, which the text does not spell
  std::vector<std::size_t> byte_offsets;  // [tokens - added] where each begins in the text
};

PromptText tokenized(const Engine& engine, const CompletionPrompt& asked, std::size_t place) {
  if (!asked.ids.empty()) {
    PromptText prompt{{}, asked.ids, 0, {}};
    for (const Token token : asked.ids) {
      prompt.byte_offsets.push_back(prompt.text.size());
      prompt.text += engine.token_bytes(token);
    }
    return prompt;
  }
  const std::string& text = asked.text;
  if (text.empty()) {
    throw InvalidInput("prompt " + std::to_string(place) + " is empty: nothing precedes the first token.");
  }
  const ResponseText whole{text, /*truncated=*/true};
  TokenizedResponse split = required(engine.text_form(), engine, "tokenize_raw")
                                .tokenize_raw("", std::span(&whole, 1), TemplateOptions{})
                                .front();
  PromptText prompt{text, std::move(split.prompt), 0, std::move(split.byte_offsets)};
  prompt.added = prompt.tokens.size();
  prompt.tokens.insert(prompt.tokens.end(), split.response.begin(), split.response.end());
  return prompt;
}

// Log-probabilities of the text's tokens from one pass; with `next`, the likeliest token behind it, too, whose row the
// same pass reads: generating it would read the text twice.
void read_text(Engine& engine, const PromptText& prompt, bool next, bool echo, ShownText& text) {
  Tokens path = prompt.tokens;
  if (next) {
    path.push_back(path.front());  // any token: the row that is read stands before it
  }
  const std::size_t first = echo ? 1 : prompt.tokens.size();
  std::vector<TokenStats> stats;  // of the tokens from `first` on
  if (path.size() > first) {
    const TokenPath whole{std::span(path).first(first), std::span(path).subspan(first)};
    stats = evaluate_paths(engine, std::span(&whole, 1), {}).front().front();
  }
  for (std::size_t i = prompt.added; i < prompt.tokens.size() && echo; ++i) {
    text.tokens.push_back(i == prompt.added ? ShownToken{engine.token_bytes(prompt.tokens[i]), {}, {}}
                                            : shown(engine, prompt.tokens[i], stats[i - first]));
  }
  if (next) {
    const TokenStats& row = stats.back();
    text.tokens.push_back(shown(engine, static_cast<Token>(row.largest->place),
                                {row.largest->logit, row.log_sum_exp, {}, {}, row.largest}));
  }
}

void add_drawn_tokens(Engine& engine, const Tokens& prompt, const CompletionsRequest& request, ShownText& text) {
  const GenerationRequest asked{prompt, request.seed};
  SamplingOptions sampling = request.sampling;
  sampling.log_probs = true;
  const Completion completion =
      required(engine.generator(), engine, "generate").generate(std::span(&asked, 1), sampling).front();
  for (std::size_t i = 0; i < completion.tokens.size(); ++i) {
    text.tokens.push_back({engine.token_bytes(completion.tokens[i]), completion.log_probs[i], {}});
  }
  text.finish = completion.end == CompletionEnd::kLength ? "length" : "stop";
}

// prompt_bytes: where the tokens of an echoed prompt begin in it.
Json log_probs_of(const ShownText& text, const std::string& prompt, std::span<const std::size_t> prompt_bytes) {
  Json tokens = Json::array();
  Json log_probs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();
  std::size_t at = 0;      // in `text.tokens`
  std::size_t offset = 0;  // in characters, as Python counts them
  for (const ShownToken& token : text.tokens) {
    if (at < prompt_bytes.size()) {
      offset = code_points(std::string_view(prompt).substr(0, prompt_bytes[at]));
    }
    ++at;
    const std::string spelled = valid_utf8(token.bytes);
    tokens.push_back(spelled);
    log_probs.push_back(token.log_prob ? Json(*token.log_prob) : Json());
    Json alternatives = token.log_prob ? Json::object() : Json();
    if (token.log_prob) {
      alternatives[spelled] = *token.log_prob;
      if (token.likeliest && token.likeliest->first != token.bytes) {
        alternatives[valid_utf8(token.likeliest->first)] = token.likeliest->second;
      }
    }
    top.push_back(std::move(alternatives));
    offsets.push_back(offset);
    offset += code_points(spelled);
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(log_probs)},
          {"top_logprobs", std::move(top)},
          {"text_offset", std::move(offsets)}};
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

Json complete(Engine& engine, const CompletionsRequest& request, const ProtocolContext& context) {
  Json choices = Json::array();
  std::size_t read = 0;
  std::size_t written = 0;
  for (const CompletionPrompt& asked : request.prompts) {
    const PromptText prompt = tokenized(engine, asked, choices.size());
    const std::size_t context_length = engine.capabilities().context;
    const bool fits =
        prompt.tokens.size() <= context_length && request.sampling.max_tokens <= context_length - prompt.tokens.size();
    if (context_length > 0 && !fits) {
      throw InvalidInput("prompt " + std::to_string(choices.size()) + " has " + std::to_string(prompt.tokens.size()) +
                         " tokens; with max_tokens " + std::to_string(request.sampling.max_tokens) +
                         " that is more than the context of " + std::to_string(context_length) + ".");
    }
    ShownText text;
    const bool one_greedy = request.sampling.max_tokens == 1 && request.sampling.temperature == 0.0;
    if (request.echo || one_greedy) {
      read_text(engine, prompt, one_greedy, request.echo, text);
    }
    if (request.sampling.max_tokens > 0 && !one_greedy) {
      add_drawn_tokens(engine, prompt.tokens, request, text);
    }
    const std::span<const std::size_t> places =
        request.echo ? std::span<const std::size_t>(prompt.byte_offsets) : std::span<const std::size_t>();
    std::string spelled = request.echo ? prompt.text : std::string();
    for (std::size_t i = places.size(); i < text.tokens.size(); ++i) {
      spelled += text.tokens[i].bytes;
    }
    read += prompt.tokens.size();
    written += text.tokens.size() - places.size();
    choices.push_back({{"index", choices.size()},
                       {"text", valid_utf8(spelled)},
                       {"logprobs", request.log_probs ? log_probs_of(text, prompt.text, places) : Json()},
                       {"finish_reason", text.finish}});
  }
  return {{"id", "cmpl-" + context.id},
          {"object", "text_completion"},
          {"created", context.created},
          {"model", context.model},
          {"choices", std::move(choices)},
          {"usage", {{"prompt_tokens", read}, {"completion_tokens", written}, {"total_tokens", read + written}}}};
}

}  // namespace endorm
