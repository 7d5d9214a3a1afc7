#include "score/request_tokens.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"
#include "engine/text_form.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/together_or_each.h"

namespace endorm {
namespace {

// Every run of a masked response holds all that precedes it: bounds what a hostile mask may cost.
constexpr std::size_t kMostMaskedTokens = std::size_t{1} << 28;

// The turns of one response, by its place in the request.
using Turns = std::map<std::size_t, std::vector<TokenizedResponse>>;

const TextForm& form_of(const Engine& engine) { return required(engine.text_form(), engine, "tokenize"); }

std::vector<ResponseText> texts_of(const Request& request) {
  std::vector<ResponseText> texts;
  for (const RequestResponse& response : request.responses) {
    texts.push_back(response.text);
  }
  return texts;
}

// The runs of tokens that the model wrote itself, each behind all that precedes it.
std::vector<TokenizedResponse> runs_of(const Engine& engine, const Tokens& prompt, const Tokens& ids,
                                       const std::vector<bool>& mask) {
  const TokenizedResponse whole = engine.tokenize_ids(prompt, ids);  // refuses what is no token, masked or not
  if (mask.empty()) {
    return {whole};
  }
  const auto runs_begin = static_cast<std::size_t>(std::count(mask.begin(), mask.end(), true));
  if (runs_begin * (prompt.size() + ids.size()) > kMostMaskedTokens) {
    throw InvalidInput("[score] " + std::to_string(ids.size()) + " token ids with " + std::to_string(runs_begin) +
                       " of them unmasked are more than a mask may cut into runs. Give shorter responses.");
  }
  std::vector<TokenizedResponse> runs;
  for (std::size_t begin = 0; begin < ids.size();) {
    if (!mask[begin]) {
      ++begin;
      continue;
    }
    const std::size_t end = static_cast<std::size_t>(
        std::find(mask.begin() + static_cast<std::ptrdiff_t>(begin), mask.end(), false) - mask.begin());
    Tokens before = prompt;
    before.insert(before.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(begin));
    runs.push_back(engine.tokenize_ids(
        before, {ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)}));
    begin = end;
  }
  return runs;
}

// Without the token that ended the turn, where that is not to be scored.
void drop_end(TokenizedResponse& run) {
  if (run.finish == Finish::kEndOfTurn) {
    run.response.pop_back();
    run.byte_offsets.pop_back();
    run.finish = Finish::kTruncated;
  }
}

// Tokens that were given, behind the prompt's: those given with it, or those of an open turn.
void take_ids(const Engine& engine, const Request& request, const TemplateOptions& text, Turns& turns,
              std::span<ScoredOutcome> outcomes) {
  std::optional<Tokens> prompt = request.prompt_ids;
  for (std::size_t i = 0; i < request.responses.size(); ++i) {
    const RequestResponse& response = request.responses[i];
    if (!response.ids || !response.refused.empty()) {
      continue;
    }
    try {
      if (!prompt) {
        prompt = request.raw
                     ? form_of(engine)
                           .tokenize_raw(request.messages.front().content, std::vector<ResponseText>{{"a", true}}, text)
                           .front()
                           .prompt
                     : form_of(engine).open_turn(request.messages, text);
      }
      turns[i] = runs_of(engine, *prompt, *response.ids, response.mask);
      if (!text.end_of_turn) {
        std::for_each(turns[i].begin(), turns[i].end(), drop_end);
      }
    } catch (const InvalidInput& error) {
      outcomes[i].error = error.what();
    }
  }
}

std::vector<TokenizedResponse> tokenize_texts(const Engine& engine, const Request& request, const TemplateOptions& text,
                                              std::span<const ResponseText> texts) {
  return request.raw ? form_of(engine).tokenize_raw(request.messages.front().content, texts, text)
                     : engine.tokenize(request.messages, texts, text);
}

// How many of the assistant's turns in the prompt are scored, at most.
std::size_t earlier_turns_scored(const Request& request, ScoredTurns scored) {
  const std::size_t all = request.messages.size() + 1;
  return request.scored_turns.value_or(scored == ScoredTurns::kAll ? all : 1) - 1;
}

// The last of the assistant's turns in the prompt, each behind what precedes it.
std::vector<TokenizedResponse> earlier_turns(const Engine& engine, const Request& request, const TemplateOptions& text,
                                             std::size_t most) {
  std::vector<TokenizedResponse> turns;
  std::size_t left = most;
  for (std::size_t i = request.messages.size(); i-- > 1 && !request.raw && left > 0;) {
    const Message& message = request.messages[i];
    if (message.role == "assistant") {
      --left;  // of those that say nothing, too
      // A turn that the next message continues has not ended.
      const bool continued = i + 1 == request.messages.size() || request.messages[i + 1].role == "assistant";
      const bool calls = has_field<nlohmann::ordered_json>(message, "tool_calls");
      if (message.content.empty() && !calls) {
        continue;
      }
      const ResponseText said{message.content, continued && !calls, message.fields};
      turns.push_back(engine.tokenize(std::span(request.messages).first(i), std::span(&said, 1), text).front());
      if (turns.back().text.empty()) {
        turns.back().text = message.content;
      }
    }
  }
  std::reverse(turns.begin(), turns.end());
  return turns;
}

// How many tokens of the prompt must go so that every turn fits; none where that is more than `shared`, the prompt that
// all responses have, can give.
std::optional<std::size_t> excess_of(std::span<const TokenizedResponse> turns, std::size_t context,
                                     std::size_t shared) {
  std::size_t excess = 0;
  for (const TokenizedResponse& turn : turns) {
    const std::size_t length = turn.prompt.size() + turn.response.size();
    excess = std::max(excess, length > context ? length - context : 0);
  }
  return excess == 0 || excess + 1 < shared ? std::optional(excess) : std::nullopt;
}

// False where the response cannot be scored; the outcome then says why. cut: what all responses of the request lose of
// their prompt.
bool fit_context(PreparedResponse& prepared, std::size_t context, Overflow overflow, std::size_t cut,
                 ScoredOutcome& outcome) {
  std::size_t length = 0;
  for (const TokenizedResponse& turn : prepared.turns) {
    length = std::max(length, turn.prompt.size() + turn.response.size());
  }
  if (length <= context && cut == 0) {
    return true;
  }
  const std::string fact =
      "prompt and response have " + std::to_string(length) + " tokens, the context holds " + std::to_string(context);
  if (overflow == Overflow::kSkip) {
    outcome.error = "[score] skipped: " + fact;
    outcome.skipped = true;
    return false;
  }
  if (overflow == Overflow::kTruncateLeft && !prepared.turns.front().media.empty()) {
    outcome.error = "[score] " + fact + ", and a prompt with an image or a sound is not cut.";
    return false;
  }
  const bool room = std::all_of(prepared.turns.begin(), prepared.turns.end(), [&](const TokenizedResponse& turn) {
    return cut + 1 < turn.prompt.size() && turn.prompt.size() + turn.response.size() - cut <= context;
  });
  // What is kept of the prompt: its first token (BOS, where there is one) and as much of its end as fits.
  if (overflow == Overflow::kTruncateLeft && room) {
    for (TokenizedResponse& turn : prepared.turns) {
      turn.prompt.erase(turn.prompt.begin() + 1, turn.prompt.begin() + 1 + static_cast<std::ptrdiff_t>(cut));
    }
    prepared.truncated_left = cut;
    return true;
  }
  outcome.error =
      "[score] " + fact +
      (overflow == Overflow::kTruncateLeft ? ": the response alone does not fit"
                                           : ". Use a larger --context, or --on-overflow truncate-left or skip");
  return false;
}

}  // namespace

std::string template_arguments_from(const std::string& text, const std::string& name) {
  if (text.empty()) {
    return {};
  }
  nlohmann::ordered_json arguments;
  try {
    arguments = parse_object(text);
  } catch (const InvalidInput& error) {
    throw InvalidInput("[" + name + "] " + excerpt(text) + ": " + error.what() +
                       " Give an object, e.g. {\"enable_thinking\": false}.");
  }
  for (const char* reserved : {"messages", "add_generation_prompt"}) {
    if (arguments.contains(reserved)) {
      throw InvalidInput("[" + name + "] \"" + reserved + "\" is set for every turn. Leave it out.");
    }
  }
  return arguments.empty() ? std::string() : arguments.dump();
}

TemplateOptions request_template(const TemplateOptions& text, const Request& request) {
  TemplateOptions options = text;
  if (options.arguments.empty()) {
    options.arguments = request.template_arguments;
  } else if (!request.template_arguments.empty()) {
    nlohmann::ordered_json arguments = nlohmann::ordered_json::parse(options.arguments);
    arguments.update(nlohmann::ordered_json::parse(request.template_arguments));
    options.arguments = arguments.dump();
  }
  return options;
}

std::map<std::size_t, std::vector<TokenizedResponse>> tokenize_request(const Engine& engine, const Request& request,
                                                                       const TemplateOptions& run_text,
                                                                       ScoredTurns scored,
                                                                       std::span<ScoredOutcome> outcomes) {
  const TemplateOptions text = request_template(run_text, request);
  const std::vector<ResponseText> texts = texts_of(request);
  Turns turns;
  take_ids(engine, request, text, turns, outcomes);
  std::vector<std::size_t> places;
  std::vector<ResponseText> left;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const RequestResponse& response = request.responses[i];
    if (!response.refused.empty()) {
      outcomes[i].error = response.refused;
    } else if (!response.ids && request.messages.empty()) {
      outcomes[i].error = "[score] the prompt is given as token ids and the response as text. Give \"response_ids\".";
    } else if (!response.ids && texts[i].text.empty() && texts[i].fields.empty()) {
      outcomes[i].error = "[score] the response is empty: there is no token to score";
    } else if (!response.ids) {
      places.push_back(i);
      left.push_back(texts[i]);
    }
  }
  all_or_each(left.size(), [&](std::size_t begin, std::size_t count) {
    try {
      std::vector<TokenizedResponse> tokenized =
          tokenize_texts(engine, request, text, std::span(left).subspan(begin, count));
      for (std::size_t i = 0; i < count; ++i) {
        turns[places[begin + i]].push_back(std::move(tokenized[i]));
      }
      return true;
    } catch (const InvalidInput& error) {
      if (count == 1) {
        outcomes[places[begin]].error = error.what();
      }
      return false;
    }
  });
  if (const std::size_t most = earlier_turns_scored(request, scored); most > 0 && !turns.empty()) {
    try {
      const std::vector<TokenizedResponse> earlier = earlier_turns(engine, request, text, most);
      for (auto& [i, own] : turns) {
        own.insert(own.begin(), earlier.begin(), earlier.end());
      }
    } catch (const InvalidInput& error) {
      for (const auto& [i, own] : turns) {
        outcomes[i].error = std::string("[score] an earlier turn of the assistant: ") + error.what();
      }
      turns.clear();
    }
  }
  for (auto entry = turns.begin(); entry != turns.end();) {
    auto& [i, own] = *entry;
    std::erase_if(own, [](const TokenizedResponse& turn) { return turn.response.empty(); });
    if (own.empty()) {
      outcomes[i].error = "[score] the response is empty: there is no token to score";
      entry = turns.erase(entry);
    } else {
      ++entry;
    }
  }
  return turns;
}

Scored unscored(const Request& request) {
  Scored scored{request.id, request.line, request.key, {}};
  scored.responses.resize(request.responses.size());
  return scored;
}

PreparedRequest prepare_request(const Engine& engine, const Request& request, const TemplateOptions& text,
                                Overflow overflow, ScoredTurns turns, std::span<ScoredOutcome> outcomes) {
  PreparedRequest result;
  const std::size_t context = engine.capabilities().context;
  std::size_t cut = 0;  // of the prompt of every response: what the longest needs, so that all are read behind one
  auto tokenized = tokenize_request(engine, request, text, turns, outcomes);
  std::size_t shared = std::numeric_limits<std::size_t>::max();
  for (const auto& [i, own] : tokenized) {
    const bool masked = !request.responses[i].mask.empty() && !request.responses[i].mask.front();
    shared = masked ? shared : std::min(shared, own.front().prompt.size());
  }
  for (const auto& [i, own] : tokenized) {
    for (const TokenizedResponse& turn : own) {
      result.tokens_asked += turn.prompt.size() + turn.response.size();
    }
    if (context > 0 && overflow == Overflow::kTruncateLeft) {
      cut = std::max(cut, excess_of(own, context, shared).value_or(0));
    }
  }
  for (auto& [i, own] : tokenized) {
    PreparedResponse prepared{i, std::move(own), 0};
    if (context == 0 || fit_context(prepared, context, overflow, cut, outcomes[i])) {
      result.responses.push_back(std::move(prepared));
    }
  }
  return result;
}

}  // namespace endorm
