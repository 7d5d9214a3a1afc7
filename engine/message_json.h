#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "engine/messages.h"

namespace endorm {

// The content of a message with media as a list of parts. Of a medium stands where it came from.
template <typename Json>
Json content_list(const Message& message) {
  Json parts = Json::array();
  std::size_t begin = 0;
  const auto add_text = [&](std::size_t end) {
    if (begin < end) {
      parts.push_back({{"type", "text"}, {"text", message.content.substr(begin, end - begin)}});
    }
    begin = end;
  };
  for (const PlacedMedium& placed : message.media) {
    add_text(placed.offset);
    const bool is_sound = placed.medium && placed.medium->kind == MediumKind::kAudio;
    parts.push_back({{"type", is_sound ? "audio" : "image"}, {"path", placed.source}});
  }
  add_text(message.content.size());
  return parts;
}

// Messages as a JSON list, with all that they hold. Json: nlohmann's, of either order, which no header here includes.
template <typename Json>
Json message_list(std::span<const Message> messages) {
  Json list = Json::array();
  for (const Message& message : messages) {
    Json entry = {{"role", message.role}, {"content", message.content}};
    if (!message.media.empty()) {
      entry["content"] = content_list<Json>(message);
    }
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
