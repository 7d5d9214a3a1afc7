#include <algorithm>
#include <limits>
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

CompletionText CompletionsCall::tokenized(const Engine& engine, const CompletionPrompt& asked, std::size_t place) {
  if (!asked.ids.empty()) {
    CompletionText prompt{{}, asked.ids, 0, {}};
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
  CompletionText prompt{text, std::move(split.prompt), 0, std::move(split.byte_offsets)};
  prompt.added = prompt.tokens.size();
  prompt.tokens.insert(prompt.tokens.end(), split.response.begin(), split.response.end());
  return prompt;
}

CompletionsCall::CompletionsCall(const Engine& engine, CompletionsRequest request, ProtocolContext context)
    : request_(std::move(request)), context_(std::move(context)) {
  const std::size_t most = engine.capabilities().context > 0 ? engine.capabilities().context : kMostTokens;
  const std::size_t to_draw = request_.sampling.max_tokens;
  const bool reads = request_.echo || one_greedy() || request_.prompt_log_probs;
  for (const CompletionPrompt& asked : request_.prompts) {
    const std::size_t place = choices_.size();
    CompletionChoice& choice = choices_.emplace_back();
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
  for (const CompletionChoice& choice : choices_) {
    const CompletionText& prompt = choice.prompt;
    bytes +=
        prompt.text.size() + prompt.tokens.size() * sizeof(Token) + prompt.byte_offsets.size() * sizeof(std::size_t);
  }
  return bytes;
}

void CompletionsCall::run(Engine& engine, std::size_t place) {
  const Part& part = parts_[place];
  CompletionChoice& choice = choices_[part.choice];
  if (part.reads) {
    if (request_.logit_bias.empty()) {
      read(engine, choice, part.choice);
    } else {
      read_biased(engine, choice);
    }
  }
  if (part.draws > 0 && !choice.ended) {
    draw(engine, choice, part.draws);
  }
}

// Log-probabilities of the text's tokens from one pass; with them, where one greedy token is asked for, the likeliest
// behind it, whose row the same pass reads: generating it would read the text twice.
void CompletionsCall::read(Engine& engine, CompletionChoice& choice, std::size_t place) const {
  const CompletionText& prompt = choice.prompt;
  const bool next = one_greedy();
  Tokens path = prompt.tokens;
  if (next) {
    path.push_back(path.front());  // any token: the row that is read stands before it
  }
  std::size_t first = prompt.tokens.size();  // that is told of
  if (request_.echo || request_.prompt_log_probs) {
    first = request_.read_from.empty() ? 1 : request_.read_from[place];
  }
  EvaluateOptions options;
  options.alphas = {request_.read_temperature};
  const std::size_t most = std::max(request_.log_probs.value_or(0), request_.prompt_log_probs.value_or(0));
  options.likeliest = most > 1 ? most : 0;  // the likeliest one is known anyway
  std::vector<TokenStats> stats;            // of the tokens from `first` on
  if (path.size() > first) {
    const TokenPath whole{std::span(path).first(first), std::span(path).subspan(first)};
    stats = evaluate_paths(engine, std::span(&whole, 1), options).front().front();
  }
  std::vector<ToldToken> told;
  for (std::size_t i = 0; i < prompt.tokens.size() && (request_.echo || request_.prompt_log_probs); ++i) {
    told.push_back(i < first ? ToldToken{prompt.tokens[i], engine.token_bytes(prompt.tokens[i]), {}, {}}
                             : told_token(engine, prompt.tokens[i], stats[i - first], request_.read_temperature));
  }
  if (request_.echo) {
    choice.echoed.assign(told.begin() + static_cast<std::ptrdiff_t>(prompt.added), told.end());
    if (prompt.added > 0 && !choice.echoed.empty()) {  // nothing of the text stands before its first token
      choice.echoed.front().log_prob.reset();
    }
  }
  if (request_.prompt_log_probs) {
    choice.read = std::move(told);
  }
  if (next) {
    TokenStats row = stats.back();
    if (!row.largest) {
      throw InvalidInput(
          "the likeliest token is not known where a device or a server computes the statistics. Send "
          "\"temperature\" above 0, or start the server with --statistics host.");
    }
    row.logit = row.largest->logit;
    add(choice, told_token(engine, static_cast<Token>(row.largest->place), row));
  }
}

// The one greedy token of logits with a bias; what is told of it is without. Each biased token is a branch of one pass,
// and among the likeliest, one more than there are biased, is the likeliest of the others.
void CompletionsCall::read_biased(Engine& engine, CompletionChoice& choice) const {
  const std::map<Token, double>& bias = request_.logit_bias;
  std::vector<Tokens> branches;
  branches.reserve(bias.size());
  for (const auto& [token, added] : bias) {
    branches.push_back({token});
  }
  std::vector<TokenPath> paths;
  paths.reserve(branches.size());
  for (const Tokens& branch : branches) {
    paths.push_back({choice.prompt.tokens, branch});
  }
  EvaluateOptions options;
  options.likeliest = bias.size() + std::max<std::size_t>(request_.log_probs.value_or(0), 1);
  const std::vector<std::vector<TokenStats>> stats = evaluate_paths(engine, paths, options).front();
  TokenStats row = stats.front().front();
  std::optional<Token> chosen;
  double best = -std::numeric_limits<double>::infinity();
  const auto consider = [&](Token token, double logit, double added) {
    if (logit + added > best) {
      best = logit + added;
      chosen = token;
      row.logit = logit;
    }
  };
  for (const LargestLogit& likely : row.likeliest) {
    if (!bias.contains(static_cast<Token>(likely.place))) {
      consider(static_cast<Token>(likely.place), likely.logit, 0.0);
    }
  }
  std::size_t place = 0;
  for (const auto& [token, added] : bias) {
    consider(token, stats[place++].front().logit, added);
  }
  if (!chosen) {
    throw InvalidInput("\"logit_bias\" leaves no token to choose.");
  }
  add(choice, told_token(engine, *chosen, row));
}

// Draws on behind what was drawn before.
void CompletionsCall::draw(Engine& engine, CompletionChoice& choice, std::size_t most) const {
  GenerationRequest asked{choice.prompt.tokens, request_.seed, choice.drawn.size()};
  for (const ToldToken& token : choice.drawn) {
    asked.prompt.push_back(token.id);
  }
  SamplingOptions sampling = request_.sampling;
  sampling.max_tokens = most;
  sampling.log_probs = true;
  const Completion completion =
      required(engine.generator(), engine, "generate").generate(std::span(&asked, 1), sampling).front();
  for (std::size_t i = 0; i < completion.tokens.size() && !choice.ended; ++i) {  // one ended that was begun before
    add(choice, {completion.tokens[i], engine.token_bytes(completion.tokens[i]), completion.log_probs[i], {}});
  }
  if (completion.end != CompletionEnd::kLength) {
    choice.ended = true;
    choice.finish = "stop";
  }
}

// A token that was drawn. Where it completes a stop string, the text ends before that.
void CompletionsCall::add(CompletionChoice& choice, ToldToken token) const {
  const std::size_t before = choice.text.size();
  choice.text += token.bytes;
  choice.drawn.push_back(std::move(token));
  choice.text_tokens = choice.drawn.size();
  std::size_t end = std::string::npos;
  for (const std::string& stop : request_.sampling.stop) {
    const std::size_t first = before < stop.size() ? 0 : before - stop.size() + 1;  // it may begin in earlier tokens
    end = std::min(end, choice.text.find(stop, first));
  }
  if (end == std::string::npos) {
    return;
  }
  for (std::size_t begin = choice.text.size(); choice.text_tokens > 0; --choice.text_tokens) {
    begin -= choice.drawn[choice.text_tokens - 1].bytes.size();
    if (begin < end) {
      break;
    }
  }
  choice.text.resize(end);
  choice.ended = true;
  choice.finish = "stop";
}

Json CompletionsCall::log_probs_of(const CompletionChoice& choice) const {
  const std::size_t most = std::max<std::size_t>(*request_.log_probs, 1);
  Json tokens = Json::array();
  Json log_probs = Json::array();
  Json top = Json::array();
  Json offsets = Json::array();
  const auto tell = [&](const ToldToken& token, std::size_t offset) {
    tokens.push_back(token_key(token.bytes));
    log_probs.push_back(token.log_prob ? Json(*token.log_prob) : Json());
    top.push_back(top_log_probs(token, most));
    offsets.push_back(offset);
  };
  // Offsets are in characters, as Python counts them.
  const std::string_view prompt = choice.prompt.text;
  for (std::size_t i = 0; i < choice.echoed.size(); ++i) {
    tell(choice.echoed[i], code_points(prompt.substr(0, choice.prompt.byte_offsets[i])));
  }
  std::size_t offset = request_.echo ? code_points(prompt) : 0;
  const std::span<const ToldToken> drawn = std::span(choice.drawn).first(choice.text_tokens);
  for (const ToldToken& token : drawn) {
    tell(token, offset);
    offset += code_points(token.bytes);
  }
  Json shown = {{"tokens", std::move(tokens)},
                {"token_logprobs", std::move(log_probs)},
                {"top_logprobs", std::move(top)},
                {"text_offset", std::move(offsets)}};
  if (!request_.echo) {  // llama-server, whose clients read it, has no echo
    shown["content"] = content_log_probs(drawn, most);
  }
  return shown;
}

Json CompletionsCall::reply() const {
  if (request_.reply) {
    return request_.reply(choices_, context_);
  }
  Json choices = Json::array();
  std::size_t read = 0;
  std::size_t written = 0;
  for (const CompletionChoice& choice : choices_) {
    read += choice.prompt.tokens.size();
    written += choice.drawn.size();
    choices.push_back({{"index", choices.size()},
                       {"text", valid_utf8((request_.echo ? choice.prompt.text : "") + choice.text)},
                       {"logprobs", request_.log_probs ? log_probs_of(choice) : Json()},
                       {"finish_reason", choice.finish}});
    if (request_.prompt_log_probs) {
      choices.back()["prompt_logprobs"] = prompt_log_probs(choice.read, *request_.prompt_log_probs);
    }
  }
  return {{"id", "cmpl-" + context_.id},
          {"object", "text_completion"},
          {"created", context_.created},
          {"model", context_.model},
          {"choices", std::move(choices)},
          {"usage", {{"prompt_tokens", read}, {"completion_tokens", written}, {"total_tokens", read + written}}}};
}

}  // namespace endorm
