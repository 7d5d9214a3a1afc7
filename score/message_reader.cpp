#include "score/message_reader.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;  // templates write tools in the order that they were given in

// What a message may hold; chat templates read what stands beside its role and content.
const std::vector<std::string_view>& message_fields() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all = {"role", "content",      "tool_calls", "tool_plan",
                                         "name", "tool_call_id", "channel",    "recipient"};
    all.insert(all.end(), kReasoningFields.begin(), kReasoningFields.end());
    return all;
  }();
  return names;
}

// Where the picture or sound of a part comes from: OpenAI's forms, and that of chat templates.
std::string read_source(const JsonField& part, const std::string& type) {
  if (type == "image_url") {
    const JsonField url = part.at("image_url");
    return url.is_text() ? url.text() : url.at("url").text();
  }
  if (type == "input_audio") {
    return "data:;base64," + part.at("input_audio").at("data").text();
  }
  if (type == "image" || type == "audio") {
    for (const char* name : {"path", "url", type.c_str()}) {
      if (part.has(name)) {
        return part.at(name).text();
      }
    }
    throw InvalidInput("\"" + part.name() + "\" has no \"path\". A part is {\"type\": \"" + type +
                       "\", \"path\": ...}.");
  }
  throw InvalidInput("\"" + part.name() + "\" is a part of type \"" + excerpt(type) +
                     "\". Parts are of type \"text\", \"image_url\", \"image\", \"input_audio\" or \"audio\".");
}

// A string, or parts in the form that OpenAI's chat interface uses.
void read_content(const JsonField& field, Message& message) {
  if (field.is_text()) {
    message.content = field.text();
    return;
  }
  for (const JsonField& part : field.list("a string or a list of parts")) {
    if (!part.has("type")) {
      part.wrong_type("a part {\"type\": \"text\", \"text\": ...}");
    }
    const std::string& type = part.at("type").text();
    if (type == "text") {
      message.content += part.at("text").text();
    } else {
      message.media.push_back({message.content.size(), read_source(part, type)});
    }
  }
}

void check_calls(const JsonField& calls) {
  for (const JsonField& call : calls.list()) {
    const std::optional<JsonField> function = call.object().find("function");
    const std::optional<JsonField> name = function ? function->find("name") : std::nullopt;
    if (!name || !name->is_text()) {
      throw InvalidInput("\"" + call.name() +
                         "\" names no function. A call is {\"type\": \"function\", \"function\": {\"name\": ..., "
                         "\"arguments\": ...}}.");
    }
  }
}

}  // namespace

Message read_message(const JsonField& object, const std::string& prefix, std::vector<std::string>& unknown_fields) {
  object.note_unknown(message_fields(), prefix, unknown_fields);
  Json fields = Json::object();
  for (const auto& [name, held] : object.value().items()) {
    const std::vector<std::string_view>& known = message_fields();
    if (name != "role" && name != "content" && std::find(known.begin(), known.end(), name) != known.end() &&
        !held.is_null() && !(held.is_array() && held.empty())) {
      fields[name] = held;
    }
  }
  const bool calls = fields.contains("tool_calls");
  if (!object.has("role") || (!object.has("content") && !calls)) {
    throw InvalidInput("\"" + object.name() + "\" has no \"" + (object.has("role") ? "content" : "role") +
                       "\". A message is {\"role\": ..., \"content\": ...}.");
  }
  Message message;
  message.role = object.at("role").text();
  if (const std::optional<JsonField> content = object.find("content")) {
    read_content(*content, message);
  } else {
    fields["content"] = nullptr;
  }
  if (calls) {
    check_calls(object.at("tool_calls"));
  }
  std::vector<std::string_view> texts(kReasoningFields.begin(), kReasoningFields.end());
  texts.insert(texts.end(), {"name", "tool_call_id"});
  for (const std::string_view text : texts) {
    if (fields.contains(text)) {
      object.at(text).text();  // throws where it is none
    }
  }
  message.fields = fields.empty() ? std::string() : fields.dump();
  return message;
}

std::vector<Message> read_messages(const JsonField& list, std::vector<std::string>& unknown_fields) {
  std::vector<Message> messages;
  for (const JsonField& message : list.filled_list("a list of messages")) {
    message.object("a message {\"role\", \"content\"}");
    messages.push_back(read_message(message, list.name() + "[].", unknown_fields));
  }
  return messages;
}

}  // namespace endorm
