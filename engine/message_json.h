#pragma once

#include <span>
#include <string>
#include <utility>

#include "engine/content_pieces.h"
#include "engine/messages.h"

namespace endorm {

// The content of a message with media as a list of parts. Of a medium stands where it came from.
template <typename Json>
Json content_list(const Message& message) {
  Json parts = Json::array();
  each_piece(
      message,
      [&](std::string text) {
        parts.push_back({{"type", "text"}, {"text", std::move(text)}});
      },
      [&](const PlacedMedium& placed) {
        const bool is_sound = placed.medium && placed.medium->kind == MediumKind::kAudio;
        parts.push_back({{"type", is_sound ? "audio" : "image"}, {"path", placed.source}});
      });
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
