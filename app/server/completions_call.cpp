#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include "app/server/completions.h"
#include "app/server/part_keys.h"
#include "app/server/turn_order.h"
#include "core/errors.h"
#include "engine/engine.h"
#include "engine/text_form.h"

namespace endorm {
namespace {

// Tokens that are drawn before others have their turn, one after the other.
constexpr std::size_t kDrawnAtOnce = 16;
constexpr std::size_t kMostTokens = std::size_t{1} << 20;  // of one completion, where the context is not known

std::uint64_t unknown_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

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
  for (const CompletionPrompt& asked : request_.prompts) {
    const std::size_t place = choices_.size();
    CompletionChoice& choice = choices_.emplace_back();
    choice.prompt = tokenized(engine, asked, place);
    choice.seed = request_.seed ? *request_.seed : unknown_seed();
    const std::size_t length = choice.prompt.tokens.size();
    if (length > most || to_draw > most - length) {
      throw InvalidInput("prompt " + std::to_string(place) + " has " + std::to_string(length) +
                         " tokens; with max_tokens " + std::to_string(to_draw) + " that is more than the context of " +
                         std::to_string(most) + ".");
    }
  }
  // Completions of a group grow side by side, a piece of each at a time.
  const std::size_t most_drawn = one_greedy() ? 0 : to_draw;
  for (std::size_t group = 0; group < choices_.size(); group += kSideBySide) {
    const std::size_t end = std::min(group + kSideBySide, choices_.size());
    for (std::size_t drawn = 0; drawn == 0 || drawn < most_drawn; drawn += kDrawnAtOnce) {
      for (std::size_t choice = group; choice < end; ++choice) {
        parts_.push_back({choice, drawn / kDrawnAtOnce, std::min(most_drawn - drawn, kDrawnAtOnce)});
      }
    }
  }
  request_.prompts.clear();
}

std::vector<PartCost> CompletionsCall::parts() const {
  std::vector<PartCost> costs;
  for (const Part& part : parts_) {
    PartCost& cost = costs.emplace_back(PartCost{.drawn = part.draws, .responses = 0});
    if (part.draws > 0) {
      cost.drawn_with = sampling_key(sampling_of(part)) + part.piece;
    }
    if (part.piece > 0) {
      continue;
    }
    cost.responses = 1;
    const std::span<const Token> tokens = choices_[part.choice].prompt.tokens;
    const std::size_t first = reads_any() ? told_from(part.choice) : 1;
    if (first > 1) {  // nothing is read of what precedes: it may be kept
      cost.prompt = prompt_key(tokens.first(first));
      cost.prompt_tokens = first;
      cost.tokens = tokens.size() - first;
    } else {
      cost.tokens = tokens.size();
      cost.blocks = block_keys(tokens);
    }
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

// The first token of a prompt that is told of.
std::size_t CompletionsCall::told_from(std::size_t choice) const {
  const std::size_t length = choices_[choice].prompt.tokens.size();
  if (!tells_prompt()) {
    return length;
  }
  return std::min(length, request_.read_from.empty() ? std::size_t{1} : request_.read_from[choice]);
}

SamplingOptions CompletionsCall::sampling_of(const Part& part) const {
  SamplingOptions sampling = request_.sampling;
  sampling.max_tokens = part.draws;
  sampling.log_probs = true;
  return sampling;
}

// The text's tokens; with them, where one greedy token is asked for, the row behind it, which generating would read the
// text again for. With a bias each biased token is a branch, and among the likeliest, one more than there are biased,
// is the likeliest of the others.
PartReads CompletionsCall::reads(std::size_t place) const {
  const Part& part = parts_[place];
  PartReads reads;
  if (part.piece > 0 || !reads_any()) {
    return reads;
  }
  const Tokens& tokens = choices_[part.choice].prompt.tokens;
  const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(told_from(part.choice));
  reads.prefix.assign(tokens.begin(), first);
  reads.temperature = request_.read_temperature;
  if (!request_.logit_bias.empty()) {
    for (const auto& [token, added] : request_.logit_bias) {
      reads.continuations.push_back({token});
    }
    reads.likeliest = request_.logit_bias.size() + std::max<std::size_t>(request_.log_probs.value_or(0), 1);
    return reads;
  }
  const std::size_t most = std::max(request_.log_probs.value_or(0), request_.prompt_log_probs.value_or(0));
  reads.likeliest = most > 1 ? most : 0;  // the likeliest one is known anyway
  Tokens continuation(first, tokens.end());
  if (one_greedy()) {
    continuation.push_back(tokens.front());  // any token: the row that is read stands before it
  }
  if (!continuation.empty()) {
    reads.continuations.push_back(std::move(continuation));
  }
  return reads;
}

void CompletionsCall::take_read(const Engine& engine, std::size_t place, std::vector<std::vector<TokenStats>> stats) {
  const Part& part = parts_[place];
  CompletionChoice& choice = choices_[part.choice];
  if (part.piece > 0 || !reads_any()) {
    return;
  }
  if (request_.logit_bias.empty()) {
    take_text(engine, choice, told_from(part.choice),
              stats.empty() ? std::span<const TokenStats>() : std::span<const TokenStats>(stats.front()));
  } else {
    take_biased(engine, choice, stats);
  }
}

// stats: of the tokens from `first` on, and of the row behind the text.
void CompletionsCall::take_text(const Engine& engine, CompletionChoice& choice, std::size_t first,
                                std::span<const TokenStats> stats) const {
  const CompletionText& prompt = choice.prompt;
  std::vector<ToldToken> told;
  for (std::size_t i = 0; i < prompt.tokens.size() && tells_prompt(); ++i) {
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
  if (one_greedy()) {
    TokenStats row = stats.back();
    if (!row.largest) {
      throw InvalidInput(
          "the likeliest token is not known where a device or a server computes the statistics. Send "
          "\"temperature\" above 0.");
    }
    row.logit = row.largest->logit;
    add(choice, told_token(engine, static_cast<Token>(row.largest->place), row));
  }
}

// The one greedy token of logits with a bias; what is told of it is without. stats: one of each biased token.
void CompletionsCall::take_biased(const Engine& engine, CompletionChoice& choice,
                                  std::span<const std::vector<TokenStats>> stats) const {
  const std::map<Token, double>& bias = request_.logit_bias;
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

// Behind what was drawn before.
std::optional<PartDraw> CompletionsCall::draws(std::size_t place) const {
  const Part& part = parts_[place];
  const CompletionChoice& choice = choices_[part.choice];
  if (part.draws == 0 || choice.ended) {
    return std::nullopt;
  }
  PartDraw draw{{choice.prompt.tokens, choice.seed, choice.drawn.size()}, sampling_of(part)};
  for (const ToldToken& token : choice.drawn) {
    draw.request.prompt.push_back(token.id);
  }
  return draw;
}

void CompletionsCall::take_drawn(const Engine& engine, std::size_t place, Completion completion) {
  CompletionChoice& choice = choices_[parts_[place].choice];
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

}  // namespace endorm
