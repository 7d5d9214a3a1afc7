#include "score/response_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/message_reader.h"
#include "score/token_reader.h"

namespace endorm {
namespace {

constexpr std::array<std::string_view, 5> kResponseFields = {"text", "steps", "truncated", "ids", "mask"};

RequestResponse read_object(const JsonField& object, const RecordReading& reading) {
  object.note_unknown(kResponseFields, "responses[].", reading.unknown_fields);
  const std::optional<JsonField> text = object.find("text");
  const std::optional<JsonField> steps = object.find("steps");
  if (const std::optional<JsonField> ids = object.find("ids")) {
    RequestResponse response = read_tokens(*ids, object.find("mask"), reading.given);
    if (text || steps) {
      response.refused = "\"" + object.name() + "\" has \"ids\" beside its text. Keep one of them.";
    }
    return response;
  }
  if (!text && !steps) {
    throw InvalidInput("\"" + object.name() + "\" has neither \"text\" nor \"steps\". Give one of them.");
  }
  RequestResponse response;
  if (steps) {
    response = join_steps(*steps, reading.step_separator);
    if (text && text->text() != response.text.text) {
      throw InvalidInput("\"" + text->name() + "\" is not its steps joined by the step separator. Give one of them.");
    }
  } else {
    response.text.text = text->text();
  }
  if (const std::optional<JsonField> truncated = object.find("truncated")) {
    if (reading.truncated_is_given) {
      throw InvalidInput("both \"truncated\" and \"" + truncated->name() + "\" are given. Keep one of them.");
    }
    response.text.truncated = truncated->truth();
  }
  return response;
}

}  // namespace

RequestResponse read_response(const JsonField& field, const RecordReading& reading) {
  const nlohmann::ordered_json& value = field.value();
  if (field.is_text()) {
    RequestResponse response;
    response.text.text = field.text();
    return response;
  }
  if (value.is_array() && std::any_of(value.begin(), value.end(), [](const auto& each) { return each.is_object(); })) {
    std::vector<Message> turn = read_messages(field, reading.unknown_fields);
    if (turn.size() != 1) {
      throw InvalidInput("\"" + field.name() + "\" is a list of " + std::to_string(turn.size()) +
                         " messages, expected one of the assistant. Give what precedes it in the prompt.");
    }
    return take_answer(turn, field.name());
  }
  field.object("a string or an object {\"text\"}");
  if (field.has("role") || field.has("content") || field.has("tool_calls")) {
    std::vector<Message> turn{read_message(field, "responses[].", reading.unknown_fields)};
    return take_answer(turn, field.name());
  }
  return read_object(field, reading);
}

RequestResponse join_steps(const JsonField& steps, std::string_view separator) {
  RequestResponse response;
  std::string& text = response.text.text;
  for (const JsonField& step : steps.filled_list("a list of strings")) {
    if (step.text().empty()) {
      throw InvalidInput("\"" + step.name() + "\" is empty: it has no tokens to score. Leave the step out.");
    }
    if (!response.step_begins.empty()) {
      text += separator;
    }
    response.step_begins.push_back(text.size());
    text += step.text();
  }
  return response;
}

RequestResponse take_answer(std::vector<Message>& conversation, const std::string& field) {
  if (conversation.back().role != "assistant") {
    throw InvalidInput("\"" + field + "\" ends with a turn of role \"" + excerpt(conversation.back().role) +
                       "\", expected \"assistant\". To score a response of its own, give the messages as \"prompt\".");
  }
  RequestResponse response;
  response.text.text = std::move(conversation.back().content);
  response.text.fields = std::move(conversation.back().fields);
  conversation.pop_back();
  return response;
}

}  // namespace endorm
