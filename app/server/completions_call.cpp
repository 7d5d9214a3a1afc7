#include <algorithm>
#include <utility>

#include "app/server/completions.h"
#include "core/errors.h"
#include "core/utf8.h"
#include "engine/engine.h"
#include "engine/text_form.h"

namespace endorm {
namespace {

// Tokens that are drawn before others have their turn: they are drawn one after the other.
constexpr std::size_t kDrawnAtOnce = 128;
constexpr std::size_t kMostTokens = std::size_t{1} << 20;  // of one completion, where the context is not known

}  // namespace

CompletionsCall::PromptText CompletionsCall::tokenized(const Engine& engine, const CompletionPrompt& asked,
                                                       std::size_t place) {
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

CompletionsCall::ShownToken CompletionsCall::shown(const Engine& engine, Token token, const TokenStats& stats) {
  ShownToken result{engine.token_bytes(token), stats.logit - stats.log_sum_exp, {}};
  if (stats.largest) {
    result.likeliest = {engine.token_bytes(static_cast<Token>(stats.largest->place)),
                        stats.largest->logit - stats.log_sum_exp};
  }
  return result;
}

CompletionsCall::CompletionsCall(const Engine& engine, CompletionsRequest request, ProtocolContext context)
    : request_(std::move(request)), context_(std::move(context)) {
  const std::size_t most = engine.capabilities().context > 0 ? engine.capabilities().context : kMostTokens;
  const std::size_t to_draw = request_.sampling.max_tokens;
  const bool reads = request_.echo || one_greedy();
  for (const CompletionPrompt& asked : request_.prompts) {
    const std::size_t place = choices_.size();
    Choice& choice = choices_.emplace_back();
    choice.prompt = tokenized(engine, asked, place);
    const std::size_t length = choice.prompt.tokens.size();
    if (length > most || to_draw > most - length) {
      throw InvalidInput("prompt " + std::to_string(place) + " has " + std::to_string(length) +
                         " tokens; with max_tokens " + std::to_string(to_draw) + " that is more than the context of " +
                         std::to_string(most) + ".");
    }
    std::size_t left = one_greedy() ? 0 : to_draw;
    parts_.push_back({place, reads, std::min(left, kDrawnAtOnce)});
    for (left -= parts_.back().draws; left > 0; left -= parts_.back().draws) {
      parts_.push_back({place, false, std::min(left, kDrawnAtOnce)});
    }
  }
  request_.prompts.clear();
}

std::vector<PartCost> CompletionsCall::parts() const {
  std::vector<PartCost> costs;
  std::size_t before = choices_.size();
  for (const Part& part : parts_) {
    const bool first = part.choice != before;
    costs.push_back({.tokens = first ? choices_[part.choice].prompt.tokens.size() : 0,
                     .drawn = part.draws,
                     .responses = first ? std::size_t{1} : 0});
    before = part.choice;
  }
  return costs;
}

std::size_t CompletionsCall::bytes() const {
  std::size_t bytes = 0;
  for (const Choice& choice : choices_) {
    const PromptText& prompt = choice.prompt;
    bytes +=
        prompt.text.size() + prompt.tokens.size() * sizeof(Token) + prompt.byte_offsets.size() * sizeof(std::size_t);
  }
  return bytes;
}

void CompletionsCall::run(Engine& engine, std::size_t place) {
  const Part& part = parts_[place];
  Choice& choice = choices_[part.choice];
  if (part.reads) {
    read(engine, choice);
  }
  if (part.draws > 0 && !choice.ended) {
    draw(engine, choice, part.draws);
  }
}

// Log-probabilities of the text's tokens from one pass; with them, where one greedy token is asked for, the likeliest
// behind it, whose row the same pass reads: generating it would read the text twice.
void CompletionsCall::read(Engine& engine, Choice& choice) const {
  const PromptText& prompt = choice.prompt;
  const bool next = one_greedy();
  Tokens path = prompt.tokens;
  if (next) {
    path.push_back(path.front());  // any token: the row that is read stands before it
  }
  const std::size_t first = request_.echo ? 1 : prompt.tokens.size();
  std::vector<TokenStats> stats;  // of the tokens from `first` on
  if (path.size() > first) {
    const TokenPath whole{std::span(path).first(first), std::span(path).subspan(first)};
    stats = evaluate_paths(engine, std::span(&whole, 1), {}).front().front();
  }
  for (std::size_t i = prompt.added; i < prompt.tokens.size() && request_.echo; ++i) {
    choice.tokens.push_back(i == prompt.added ? ShownToken{engine.token_bytes(prompt.tokens[i]), {}, {}}
                                              : shown(engine, prompt.tokens[i], stats[i - first]));
  }
  if (next) {
    const TokenStats& row = stats.back();
    choice.tokens.push_back(shown(engine, static_cast<Token>(row.largest->place),
                                  {row.largest->logit, row.log_sum_exp, {}, {}, row.largest}));
  }
}

// Draws on behind what was drawn before.
void CompletionsCall::draw(Engine& engine, Choice& choice, std::size_t most) const {
  GenerationRequest asked{choice.prompt.tokens, request_.seed, choice.drawn.size()};
  asked.prompt.insert(asked.prompt.end(), choice.drawn.begin(), choice.drawn.end());
  SamplingOptions sampling = request_.sampling;
  sampling.max_tokens = most;
  sampling.log_probs = true;
  const Completion completion =
      required(engine.generator(), engine, "generate").generate(std::span(&asked, 1), sampling).front();
  choice.ended = completion.end != CompletionEnd::kLength;
  for (std::size_t i = 0; i < completion.tokens.size(); ++i) {
    const std::string bytes = engine.token_bytes(completion.tokens[i]);
    const std::size_t before = choice.drawn_bytes.size();
    choice.tokens.push_back({bytes, completion.log_probs[i], {}});
    choice.drawn.push_back(completion.tokens[i]);
    choice.drawn_bytes += bytes;
    const bool stops = std::any_of(sampling.stop.begin(), sampling.stop.end(), [&](const std::string& stop) {
      const std::size_t first = before < stop.size() ? 0 : before - stop.size() + 1;  // it may begin in earlier tokens
      return choice.drawn_bytes.find(stop, first) != std::string::npos;
    });
    if (stops) {  // one that was begun in an earlier part is seen here alone
      choice.ended = true;
      break;
    }
  }
  choice.finish = choice.ended ? "stop" : "length";
}

// prompt_bytes: where the tokens of an echoed prompt begin in it.
Json CompletionsCall::log_probs_of(const Choice& choice, std::span<const std::size_t> prompt_bytes) {
  Json tokens = Json::array();
  Json log_probs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();
  std::size_t at = 0;      // in `choice.tokens`
  std::size_t offset = 0;  // in characters, as Python counts them
  for (const ShownToken& token : choice.tokens) {
    if (at < prompt_bytes.size()) {
      offset = code_points(std::string_view(choice.prompt.text).substr(0, prompt_bytes[at]));
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

Json CompletionsCall::reply() const {
  Json choices = Json::array();
  std::size_t read = 0;
  std::size_t written = 0;
  for (const Choice& choice : choices_) {
    const std::span<const std::size_t> places =
        request_.echo ? std::span<const std::size_t>(choice.prompt.byte_offsets) : std::span<const std::size_t>();
    std::string spelled = request_.echo ? choice.prompt.text : std::string();
    for (std::size_t i = places.size(); i < choice.tokens.size(); ++i) {
      spelled += choice.tokens[i].bytes;
    }
    read += choice.prompt.tokens.size();
    written += choice.tokens.size() - places.size();
    choices.push_back({{"index", choices.size()},
                       {"text", valid_utf8(spelled)},
                       {"logprobs", request_.log_probs ? log_probs_of(choice, places) : Json()},
                       {"finish_reason", choice.finish}});
  }
  return {{"id", "cmpl-" + context_.id},
          {"object", "text_completion"},
          {"created", context_.created},
          {"model", context_.model},
          {"choices", std::move(choices)},
          {"usage", {{"prompt_tokens", read}, {"completion_tokens", written}, {"total_tokens", read + written}}}};
}

}  // namespace endorm
