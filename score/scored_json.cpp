#include "score/scored_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/message_json.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

double finite(double number, const char* name) {
  if (!std::isfinite(number)) {
    throw InternalError(std::string("[scored_row] \"") + name + "\" is " + std::to_string(number) +
                        ", which JSON cannot carry. The scorer should have refused this response; please report it.");
  }
  return number;
}

std::string dump(const Json& line) {
  try {
    return line.dump();
  } catch (const Json::type_error& error) {
    throw InternalError(std::string("[scored_row] a text is not valid UTF-8 (") + error.what() +
                        "). Please report it.");
  }
}

void refuse_masked_tokens(const ScoredResponse& response) {
  for (std::size_t i = 0; i < response.tokens.size(); ++i) {
    if (response.tokens[i].log_prob == -std::numeric_limits<double>::infinity()) {
      const std::string text = i < response.token_texts.size() ? " (\"" + response.token_texts[i] + "\")" : "";
      throw InvalidInput(
          "[scored_row] log_prob of response token " + std::to_string(i) + text +
          " is -infinity: the model masks this token, so the response has probability 0 and no finite reward. "
          "Take the token out of the response.");
    }
  }
}

void put_turns(const std::vector<TurnReward>& turns, Json& object) {
  Json list = Json::array();
  for (const TurnReward& turn : turns) {
    list.push_back({{"begin", turn.tokens.begin},
                    {"end", turn.tokens.end},
                    {"reward", finite(turn.reward, "turns.reward")},
                    {"sum", finite(turn.sum, "turns.sum")},
                    {"mean", finite(turn.mean, "turns.mean")}});
  }
  object["turns"] = std::move(list);
}

// One number of every token, [T].
template <typename Read>
Json column(const ScoredResponse& response, const char* name, Read read) {
  Json numbers = Json::array();
  for (const TokenReward& token : response.tokens) {
    numbers.push_back(finite(read(token), name));
  }
  return numbers;
}

Json token_columns(const ScoredResponse& response) {
  const std::size_t count = response.tokens.size();
  if (response.token_texts.size() != count || response.token_ids.size() != count) {
    throw InternalError("[scored_row] " + std::to_string(count) + " token rewards stand beside " +
                        std::to_string(response.token_texts.size()) + " texts and " +
                        std::to_string(response.token_ids.size()) + " ids. Please report it.");
  }
  Json columns;
  columns["id"] = response.token_ids;
  columns["text"] = response.token_texts;
  if (!response.turns.empty()) {
    Json turns = Json::array();
    for (std::size_t token = 0; token < count; ++token) {
      turns.push_back(turn_of(response.turns, token));
    }
    columns["turn"] = std::move(turns);
  }
  columns["log_prob"] = column(response, "log_prob", [](const TokenReward& token) { return token.log_prob; });
  if (response.value) {  // without raw logits these are not the model's
    columns["reward"] = column(response, "reward", [](const TokenReward& token) { return token.reward; });
    columns["q"] = column(response, "q", [](const TokenReward& token) { return token.q; });
    columns["value"] = column(response, "value", [](const TokenReward& token) { return token.value; });
  }
  if (std::all_of(response.tokens.begin(), response.tokens.end(),
                  [](const TokenReward& token) { return token.entropy.has_value(); })) {
    columns["entropy"] = column(response, "entropy", [](const TokenReward& token) { return *token.entropy; });
  }
  return columns;
}

void put_aggregates(const Aggregates& aggregates, Json& object) {
  object["sum"] = finite(aggregates.sum, "sum");
  object["mean"] = finite(aggregates.mean, "mean");
  object["discounted"] = finite(aggregates.discounted, "discounted");
  object["chunked_mean"] = finite(aggregates.chunked_mean, "chunked_mean");
  object["last_k"] = finite(aggregates.last_k, "last_k");
  if (aggregates.step_mean) {
    object["step_mean"] = finite(*aggregates.step_mean, "step_mean");
  }
  if (aggregates.min_step) {
    object["min_step"] = finite(*aggregates.min_step, "min_step");
  }
}

Json response_object(const ScoredResponse& response, const RowOptions& options) {
  refuse_masked_tokens(response);
  Json object;
  object["reward"] = finite(response.reward, "reward");
  if (response.log_prob) {
    object["log_prob"] = finite(*response.log_prob, "log_prob");
  }
  if (response.value) {
    object["value"] = finite(*response.value, "value");
  }
  if (!response.token_ids.empty()) {
    object["tokens"] = response.token_ids.size();
  }
  if (response.aggregates) {
    put_aggregates(*response.aggregates, object);
  }
  object["finish"] = response.finish == Finish::kEndOfTurn ? "end_of_turn" : "truncated";
  if (response.context) {
    object["context"] = context_name(*response.context);
  }
  if (!response.turns.empty()) {
    put_turns(response.turns, object);
  }
  if (response.truncated_left > 0) {
    object["truncated_left"] = response.truncated_left;
  }
  if (options.steps && response.aggregates && !response.aggregates->steps.empty()) {
    Json steps = Json::array();
    for (const StepReward& step : response.aggregates->steps) {
      steps.push_back({{"begin", step.tokens.begin},
                       {"end", step.tokens.end},
                       {"sum", finite(step.sum, "steps.sum")},
                       {"mean", finite(step.mean, "steps.mean")}});
      if (!response.turns.empty()) {
        steps.back()["turn"] = turn_of(response.turns, step.tokens.begin);
      }
    }
    object["steps"] = std::move(steps);
  }
  if (options.tokens && !response.token_ids.empty()) {
    object["token_rewards"] = token_columns(response);
  }
  for (const std::string& reply : response.replies) {  // a model may end it within a character
    object["replies"].push_back(valid_utf8(reply));
  }
  if (response.unparsed > 0) {
    object["unparsed"] = response.unparsed;
  }
  if (response.inconsistent > 0) {
    object["inconsistent"] = response.inconsistent;
  }
  return object;
}

// All of a record but where it stands in a file.
void put_record(const Request& request, const Scored& scored, const RowOptions& options, Json& row) {
  if (request.chosen_first) {
    row["chosen"] = 0;
  }
  if (options.tokens) {
    row["messages"] = message_list<Json>(request.messages);
    if (request.prompt_ids && request.messages.empty()) {
      row["prompt_ids"] = *request.prompt_ids;
    }
    if (!request.template_arguments.empty()) {
      row["template_arguments"] = Json::parse(request.template_arguments);
    }
  }
  Json responses = Json::array();
  for (const ScoredOutcome& outcome : scored.responses) {
    responses.push_back(outcome.scored ? response_object(*outcome.scored, options) : Json{{"error", outcome.error}});
  }
  row["responses"] = std::move(responses);
}

}  // namespace

std::size_t turn_of(std::span<const TurnReward> turns, std::size_t token) {
  const auto turn = std::find_if(turns.begin(), turns.end(), [&](const auto& each) { return token < each.tokens.end; });
  return static_cast<std::size_t>(turn - turns.begin());
}

std::string_view context_name(ResponseContext context) {
  switch (context) {
    case ResponseContext::kAsDrawn:
      return "as_drawn";
    case ResponseContext::kContinued:
      return "continued";
    case ResponseContext::kClosedByTemplate:
      return "closed_by_template";
    case ResponseContext::kRaw:
      return "raw";
    case ResponseContext::kTokens:
      return "tokens";
  }
  throw InternalError("[context_name] " + std::to_string(static_cast<int>(context)) + " is no context");
}

Json scored_record(const Request& request, const Scored& scored, const RowOptions& options) {
  Json record = {{"id", scored.id}};
  put_record(request, scored, options, record);
  return record;
}

std::string scored_row(const Request& request, const Scored& scored, const RowOptions& options) {
  Json row = {{"id", scored.id}, {"line", scored.line}, {"key", scored.key}};
  put_record(request, scored, options, row);
  return dump(row);
}

std::string error_row(const std::optional<std::string>& id, std::size_t line, std::string_view key,
                      const std::string& message) {
  Json row;
  if (id) {
    row["id"] = *id;
  }
  row["line"] = line;
  row["key"] = key;
  row["error"] = {{"kind", "invalid_input"}, {"message", message}};
  return dump(row);
}

}  // namespace endorm
