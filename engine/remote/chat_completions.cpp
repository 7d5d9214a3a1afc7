#include "engine/remote/chat_completions.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/utf8.h"
#include "engine/message_json.h"

namespace endorm {
namespace {

using nlohmann::json;

constexpr std::size_t kQuotedBytes = 300;  // of a reply quoted in a message

[[noreturn]] void refuse(std::string_view fact, std::string_view reply) {
  throw EngineError("[parse_chat_reply] " + std::string(fact) + " in the server's answer \"" +
                    excerpt(reply, kQuotedBytes) + "\". Check that the address is that of a chat model's server.");
}

std::string text_or_nothing(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Text, null, or a list of parts of which those of type "text" count.
std::string content_of(const json& message, std::string_view reply) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) {
    return "";
  }
  if (content->is_string()) {
    return content->get<std::string>();
  }
  if (!content->is_array()) {
    refuse("the content is no text", reply);
  }
  std::string text;
  for (const json& part : *content) {
    if (part.is_object() && text_or_nothing(part, "type") == "text") {
      text += text_or_nothing(part, "text");
    }
  }
  return text;
}

// A count below 2^53, or none.
std::optional<std::size_t> count_of(const json& usage, const char* name) {
  const auto found = usage.find(name);
  constexpr auto kMost = std::uint64_t{1} << std::numeric_limits<double>::digits;
  if (found == usage.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() > kMost) {
    return std::nullopt;
  }
  return found->get<std::size_t>();
}

}  // namespace

std::string chat_body(const ChatRequest& request) {
  json body = {{"model", request.model},
               {"messages", message_list<json>(request.messages)},
               {"temperature", request.temperature},
               {request.names_completion_tokens ? "max_completion_tokens" : "max_tokens", request.max_tokens}};
  if (request.seed) {
    body["seed"] = *request.seed;
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

ChatReply parse_chat_reply(std::string_view text) {
  const json reply = json::parse(text, nullptr, false);
  if (!reply.is_object()) {
    refuse("there is no JSON object", text);
  }
  const json::json_pointer place("/choices/0/message");
  if (!reply.contains("choices") || !reply.at("choices").is_array() || !reply.contains(place) ||
      !reply.at(place).is_object()) {
    refuse("there is no choices[0].message", text);
  }
  const json& choice = reply.at("choices").front();
  const json& message = choice.at("message");
  ChatReply result;
  result.text = content_of(message, text);
  if (result.text.empty()) {
    result.text = text_or_nothing(message, "refusal");
  }
  result.finish = text_or_nothing(choice, "finish_reason");
  result.model = text_or_nothing(reply, "model");
  if (const auto usage = reply.find("usage"); usage != reply.end() && usage->is_object()) {
    const std::optional<std::size_t> read = count_of(*usage, "prompt_tokens");
    const std::optional<std::size_t> written = count_of(*usage, "completion_tokens");
    result.has_usage = read && written;
    result.prompt_tokens = read.value_or(0);
    result.completion_tokens = written.value_or(0);
  }
  return result;
}

}  // namespace endorm
