#include "score/message_reader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/json_fields.h"

namespace endorm {
namespace {

// What a message may hold beside its role and content; chat templates read these.
constexpr std::array<std::string_view, 9> kMessageFields = {"tool_calls", "reasoning_content", "reasoning", "thinking",
                                                            "name",       "tool_call_id",      "tool_plan", "channel",
                                                            "recipient"};

// A string, or parts of text in the form that OpenAI's chat interface uses.
template <typename Json>
std::string read_content(const Json& value, const std::string& field) {
  if (value.is_string()) {
    return value.template get<std::string>();
  }
  if (!value.is_array()) {
    wrong_type(field, value, "a string or a list of parts");
  }
  std::string content;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string name = element(field, i);
    if (!value[i].is_object() || !value[i].contains("type")) {
      wrong_type(name, value[i], "a part {\"type\": \"text\", \"text\": ...}");
    }
    const std::string& type = string_of(value[i]["type"], name + ".type");
    if (type != "text") {
      throw InvalidInput("\"" + name + "\" is a part of type \"" + excerpt(type) +
                         "\": images are not supported yet. Give parts of type \"text\".");
    }
    content += string_of(value[i].value("text", Json()), name + ".text");
  }
  return content;
}

}  // namespace

template <typename Json>
Message read_message(const Json& value, const std::string& name, const std::string& prefix,
                     std::vector<std::string>& unknown_fields) {
  Message message;
  Json fields = Json::object();
  for (const auto& [key, held] : value.items()) {
    const bool known = std::find(kMessageFields.begin(), kMessageFields.end(), key) != kMessageFields.end();
    if (known && !held.is_null() && !(held.is_array() && held.empty())) {
      fields[key] = held;
    }
  }
  const bool calls = fields.contains("tool_calls");
  if (!value.contains("role") || (!value.contains("content") && !calls)) {
    throw InvalidInput("\"" + name + "\" has no \"" + (value.contains("role") ? "content" : "role") +
                       "\". A message is {\"role\": ..., \"content\": ...}.");
  }
  std::vector<std::string_view> known{"role", "content"};
  known.insert(known.end(), kMessageFields.begin(), kMessageFields.end());
  report_unknown(value, known, prefix, unknown_fields);
  message.role = string_of(value["role"], name + ".role");
  if (value.contains("content") && !(calls && value["content"].is_null())) {
    message.content = read_content(value["content"], name + ".content");
  } else {
    fields["content"] = nullptr;
  }
  if (calls) {
    check_objects(fields["tool_calls"], name + ".tool_calls");
    for (std::size_t i = 0; i < fields["tool_calls"].size(); ++i) {
      const Json& call = fields["tool_calls"][i];
      if (!call.contains("function") || !call["function"].is_object() || !call["function"].contains("name") ||
          !call["function"]["name"].is_string()) {
        throw InvalidInput("\"" + element(name + ".tool_calls", i) +
                           "\" names no function. A call is {\"type\": \"function\", \"function\": {\"name\": ..., "
                           "\"arguments\": ...}}.");
      }
    }
  }
  for (const char* text : {"reasoning_content", "reasoning", "thinking", "name", "tool_call_id"}) {
    if (fields.contains(text)) {
      string_of(fields[text], name + "." + text);
    }
  }
  message.fields = fields.empty() ? std::string() : fields.dump();
  return message;
}

template <typename Json>
std::vector<Message> read_messages(const Json& value, const std::string& field,
                                   std::vector<std::string>& unknown_fields) {
  std::vector<Message> messages;
  const Json& list = list_of(value, field, "a list of messages");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string name = element(field, i);
    if (!list[i].is_object()) {
      wrong_type(name, list[i], "a message {\"role\", \"content\"}");
    }
    messages.push_back(read_message(list[i], name, field + "[].", unknown_fields));
  }
  return messages;
}

// Templates write tools in the order that they were given in.
template Message read_message(const nlohmann::ordered_json&, const std::string&, const std::string&,
                              std::vector<std::string>&);
template std::vector<Message> read_messages(const nlohmann::ordered_json&, const std::string&,
                                            std::vector<std::string>&);

}  // namespace endorm
