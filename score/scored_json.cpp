#include "score/scored_json.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/message_json.h"
#include "score/json_check.h"
#include "score/told_fields.h"

namespace endorm {

void tell(auto& fields, const TurnReward& turn) {
  fields.always("begin", turn.tokens.begin);
  fields.always("end", turn.tokens.end);
  fields.always("reward", turn.reward);
  fields.always("sum", turn.sum);
  fields.always("mean", turn.mean);
}

namespace {

using Json = nlohmann::ordered_json;

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

// One quantity of every token, [T].
template <typename Quantity>
Json column(const ScoredResponse& response, Quantity TokenReward::*quantity) {
  Json numbers = Json::array();
  for (const TokenReward& token : response.tokens) {
    numbers.push_back(token.*quantity);
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
    for (std::size_t token = 0; token < count; ++token) {
      columns["turn"].push_back(turn_of(response.turns, token));
    }
  }
  columns["log_prob"] = column(response, &TokenReward::log_prob);
  if (response.value) {  // without raw logits these are not the model's
    columns["reward"] = column(response, &TokenReward::reward);
    columns["q"] = column(response, &TokenReward::q);
    columns["value"] = column(response, &TokenReward::value);
  }
  if (std::all_of(response.tokens.begin(), response.tokens.end(),
                  [](const TokenReward& token) { return token.entropy.has_value(); })) {
    columns["entropy"] = column(response, &TokenReward::entropy);
  }
  return columns;
}

Json step_list(const ScoredResponse& response) {
  Json steps = Json::array();
  for (const StepReward& step : response.aggregates->steps) {
    steps.push_back({{"begin", step.tokens.begin}, {"end", step.tokens.end}, {"sum", step.sum}, {"mean", step.mean}});
    if (!response.turns.empty()) {
      steps.back()["turn"] = turn_of(response.turns, step.tokens.begin);
    }
  }
  return steps;
}

Json response_object(const ScoredResponse& response, const RowOptions& options) {
  refuse_masked_tokens(response);
  Json object;
  FieldWriter<Json> fields(object);
  fields.always("reward", response.reward);
  fields.unless_empty("log_prob", response.log_prob);
  fields.unless_empty("value", response.value);
  fields.unless_empty("tokens", response.token_ids.size());
  if (response.aggregates) {
    fields.always("sum", response.aggregates->sum);
    fields.always("mean", response.aggregates->mean);
    fields.always("discounted", response.aggregates->discounted);
    fields.always("chunked_mean", response.aggregates->chunked_mean);
    fields.always("last_k", response.aggregates->last_k);
    fields.unless_empty("step_mean", response.aggregates->step_mean);
    fields.unless_empty("min_step", response.aggregates->min_step);
  }
  fields.always("finish", response.finish == Finish::kEndOfTurn ? "end_of_turn" : "truncated");
  if (response.context) {
    fields.always("context", context_name(*response.context));
  }
  fields.unless_empty("turns", response.turns);
  fields.unless_empty("truncated_left", response.truncated_left);
  if (options.steps && response.aggregates && !response.aggregates->steps.empty()) {
    fields.always("steps", step_list(response));
  }
  if (options.tokens && !response.token_ids.empty()) {
    fields.always("token_rewards", token_columns(response));
  }
  for (const std::string& reply : response.replies) {  // a model may end it within a character
    object["replies"].push_back(valid_utf8(reply));
  }
  fields.unless_empty("unparsed", response.unparsed);
  fields.unless_empty("inconsistent", response.inconsistent);
  check_finite(object, "scored_row");
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
  if (request.columns) {
    row["columns"] = *request.columns;
  }
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
