#pragma once

#include <span>
#include <utility>

#include "engine/messages.h"

namespace endorm {

// Messages as a JSON list, with all that they hold. Json: nlohmann's, of either order, which no header here includes.
template <typename Json>
Json message_list(std::span<const Message> messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    Json entry = {{"role", message.role}, {"content", message.content}};
    if (!message.fields.empty()) {
      entry.update(Json::parse(message.fields));
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// Does the message itself (not what is said in it) hold a field of this name? Json: nlohmann's or llama.cpp's.
template <typename Json>
bool has_field(const Message& message, const char* name) {
  return !message.fields.empty() && Json::parse(message.fields).contains(name);
}

}  // namespace endorm
