#include "app/server/response_items.h"

#include "core/errors.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

// A text that may be missing or null.
std::string text_or(const Json& object, const char* name, const char* otherwise) {
  return optional_field(object, name) ? text_field(object, name) : otherwise;
}

// A text, or the texts of parts.
std::string text_of_parts(const Json& content, const std::string& name) {
  const JsonField field(content, name);
  if (field.is_text()) {
    return field.text();
  }
  std::string text;
  for (const JsonField& part : field.list("a string or a list of parts")) {
    const std::string type = part.has("type") ? part.at("type").text() : "";
    if (type == "refusal") {
      text += part.at("refusal").text();
    } else if (type.ends_with("text")) {  // input_text, output_text, summary_text, reasoning_text
      text += part.at("text").text();
    } else {
      throw InvalidInput("\"" + name + "\" holds a part of type \"" + excerpt(type) + "\", expected text.");
    }
  }
  return text;
}

// Items on their way to the messages of a chat. Reasoning, text and calls that follow each other are one message of the
// assistant.
class ItemReader {
 public:
  void read_all(const Json& items, const std::string& field) {
    if (items.is_string()) {
      messages_.push_back({{"role", "user"}, {"content", items}});
      return;
    }
    for (const JsonField& item : JsonField(items, field).list("a list of items")) {
      item.object("an item");
      try {
        read(item.value(), item.name());
      } catch (const InvalidInput& error) {
        throw InvalidInput("\"" + item.name() + "\": " + error.what());
      }
    }
  }

  void say(const char* role, Json content) { messages_.push_back({{"role", role}, {"content", std::move(content)}}); }
  bool written() const { return written_; }

  Json take() { return std::move(messages_); }

 private:
  void read(const Json& item, const std::string& name) {
    const std::string type = text_or(item, "type", "message");
    if (type == "message") {
      read_message(item, name);
    } else if (type == "reasoning") {
      read_reasoning(item, name);
    } else if (type == "function_call") {
      Json& message = turn();
      message["tool_calls"].push_back(
          {{"type", "function"},
           {"id", text_or(item, "call_id", "")},
           {"function", {{"name", text_field(item, "name")}, {"arguments", text_or(item, "arguments", "{}")}}}});
    } else if (type == "function_call_output") {
      messages_.push_back({{"role", "tool"},
                           {"tool_call_id", text_or(item, "call_id", "")},
                           {"content", text_of_parts(field(item, "output"), name + ".output")}});
      open_ = false;
    } else {
      throw InvalidInput("its type \"" + excerpt(type) +
                         "\" is none of message, reasoning, function_call, function_call_output.");
    }
  }

  void read_message(const Json& item, const std::string& name) {
    std::string role = text_or(item, "role", "assistant");
    role = role == "developer" ? "system" : role;  // what chat templates call it
    const std::string text = text_of_parts(field(item, "content"), name + ".content");
    if (role != "assistant") {
      messages_.push_back({{"role", role}, {"content", text}});
      open_ = false;
      return;
    }
    if (open_ && !messages_.back()["content"].is_null()) {
      open_ = false;  // a second text is a second message
    }
    turn()["content"] = text;
  }

  // Reasoning that is not told (encrypted, or an empty summary) was there and cannot be read.
  void read_reasoning(const Json& item, const std::string& name) {
    std::string text;
    for (const char* field : {"content", "summary"}) {
      const Json* parts = optional_field(item, field);
      if (text.empty() && parts) {
        text = text_of_parts(*parts, name + "." + field);
      }
    }
    if (!text.empty()) {
      open_ = open_ && !messages_.back().contains("reasoning_content") && messages_.back()["content"].is_null();
      turn()["reasoning_content"] = text;
    }
  }

  // The message of the assistant that is being read.
  Json& turn() {
    if (!open_) {
      messages_.push_back({{"role", "assistant"}, {"content", nullptr}});
      open_ = true;
    }
    written_ = true;
    return messages_.back();
  }

  Json messages_ = Json::array();
  bool open_ = false;
  bool written_ = false;  // by the assistant, ever
};

// Tools in the form that chat templates read.
Json chat_tools(const Json& tools) {
  Json list = Json::array();
  for (const JsonField& tool : JsonField(tools, "responses_create_params.tools").list()) {
    if (!tool.value().is_object() || tool.has("function")) {
      list.push_back(tool.value());
      continue;
    }
    Json function = tool.value();
    function.erase("type");
    function.erase("strict");
    list.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

}  // namespace

Request rollout_request(const Json& body) {
  const Json& asked = field(body, "responses_create_params");
  const Json& response = field(body, "response");
  if (!asked.is_object() || !response.is_object()) {
    throw InvalidInput("\"responses_create_params\" and \"response\" must be objects.");
  }
  const Json* details = optional_field(response, "incomplete_details");
  const bool truncated = details != nullptr || text_or(response, "status", "completed") == "incomplete";
  ItemReader prompt;
  if (optional_field(asked, "instructions")) {
    prompt.say("system", text_field(asked, "instructions"));
  }
  prompt.read_all(field(asked, "input"), "responses_create_params.input");
  ItemReader output;
  output.read_all(field(response, "output"), "response.output");
  if (!output.written()) {
    throw InvalidInput("\"response.output\" holds nothing that the model wrote: there is no response to score.");
  }
  Json messages = prompt.take();
  for (Json& message : output.take()) {
    messages.push_back(std::move(message));
  }
  while (messages.back()["role"] != "assistant") {
    messages.erase(messages.size() - 1);  // what the last call gave comes behind what is scored
  }
  Json settings = Json::object();
  if (const Json* tools = optional_field(asked, "tools")) {
    settings["tools"] = chat_tools(*tools);
  }
  if (const Json* arguments = optional_field(asked, "chat_template_kwargs")) {
    settings["chat_template_kwargs"] = *arguments;
  }
  for (Json& message : messages) {
    if (message["content"].is_null() && !message.contains("tool_calls")) {
      message["content"] = "";
    }
  }
  Request request = record_request({{"messages", std::move(messages)}}, settings);
  request.responses.front().text.truncated = truncated;
  return request;
}

}  // namespace endorm
