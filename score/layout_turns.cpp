#include "score/layout_turns.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/trimmed.h"
#include "core/utf8.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kSpeakers = std::to_array<std::pair<std::string_view, const char*>>({{"human", "user"},
                                                                                    {"user", "user"},
                                                                                    {"gpt", "assistant"},
                                                                                    {"chatgpt", "assistant"},
                                                                                    {"assistant", "assistant"},
                                                                                    {"bot", "assistant"},
                                                                                    {"model", "assistant"},
                                                                                    {"system", "system"},
                                                                                    {"tool", "tool"},
                                                                                    {"observation", "tool"}});

constexpr std::string_view kHuman = "Human:";
constexpr std::string_view kAssistant = "Assistant:";

Json turn_as_message(const Json& turn, std::string_view name) {
  if (turn.contains("role")) {
    return turn;
  }
  const auto value = turn.find("value");
  if (value == turn.end() || !turn.at("from").is_string()) {
    throw InvalidInput("a turn of \"" + std::string(name) + "\" is not {\"from\": ..., \"value\": ...}.");
  }
  const std::string speaker = turn.at("from").get<std::string>();
  const auto* const known =
      std::find_if(kSpeakers.begin(), kSpeakers.end(), [&](const auto& named) { return named.first == speaker; });
  if (known == kSpeakers.end()) {
    throw InvalidInput("a turn of \"" + std::string(name) + "\" is from \"" + excerpt(speaker) +
                       "\". Known are human, user, gpt, chatgpt, assistant, bot, model, system, tool and observation.");
  }
  Json message = {{"role", known->second}, {"content", *value}};
  for (const auto& [field, held] : turn.items()) {
    if (field != "from" && field != "value") {
      message[field] = held;
    }
  }
  return message;
}

bool is_turn(const Json& value) { return value.is_object() && (value.contains("role") || value.contains("from")); }

}  // namespace

bool is_texts(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& text) { return text.is_string(); });
}

bool is_turns(const Json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_turn);
}

bool renames_turns(const Json& value) {
  return is_turn(value) || (is_turns(value) && std::any_of(value.begin(), value.end(),
                                                           [](const Json& turn) { return !turn.contains("role"); }));
}

Json turns_as_messages(const Json& turns, std::string_view name) {
  if (turns.is_object()) {
    return Json::array({turn_as_message(turns, name)});
  }
  Json messages = Json::array();
  for (const Json& turn : turns) {
    messages.push_back(turn_as_message(turn, name));
  }
  return messages;
}

bool is_exchanges(const Json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& exchange) {
           return is_texts(exchange) && exchange.size() == 2;
         });
}

Json exchanges_as_messages(const Json& exchanges) {
  Json messages = Json::array();
  for (const Json& exchange : exchanges) {
    messages.push_back({{"role", "user"}, {"content", exchange[0]}});
    messages.push_back({{"role", "assistant"}, {"content", exchange[1]}});
  }
  return messages;
}

bool is_transcript(const Json& value) {
  if (!value.is_string()) {
    return false;
  }
  const std::string_view text = trimmed(value.get_ref<const std::string&>());
  return text.starts_with(kHuman) && text.find("\n\n" + std::string(kAssistant)) != std::string_view::npos;
}

bool is_open_transcript(const Json& value) {
  return is_transcript(value) &&
         trimmed(value.get_ref<const std::string&>()).ends_with("\n\n" + std::string(kAssistant));
}

Json transcript_as_messages(std::string_view text) {
  Json messages = Json::array();
  text = trimmed(text);
  while (!text.empty()) {
    const bool asks = text.starts_with(kHuman);
    text.remove_prefix((asks ? kHuman : kAssistant).size());
    std::size_t end = text.find("\n\n" + std::string(kHuman));
    end = std::min(end, text.find("\n\n" + std::string(kAssistant)));
    messages.push_back({{"role", asks ? "user" : "assistant"}, {"content", std::string(trimmed(text.substr(0, end)))}});
    text.remove_prefix(std::min(text.size(), end == std::string_view::npos ? text.size() : end + 2));
  }
  return messages;
}

}  // namespace endorm
