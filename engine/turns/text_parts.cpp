#include "engine/turns/text_parts.h"

#include <algorithm>
#include <utility>

#include "core/trimmed.h"
#include "engine/content_pieces.h"

namespace endorm {

std::vector<TextPart> content_parts(const Message& message, TextPart::Kind kind) {
  std::vector<TextPart> parts;
  each_piece(
      message,
      [&](std::string text) {
        parts.push_back({std::move(text), kind});
      },
      [&](const PlacedMedium&) {
        parts.push_back({std::string(kMediumText), TextPart::Kind::kMedium});
      });
  return parts;
}

std::vector<TextPart> around_media(std::vector<TextPart> parts, const std::string& text) {
  if (text.empty()) {
    return parts;
  }
  std::vector<TextPart> result;
  for (TextPart& part : parts) {
    const bool medium = part.kind == TextPart::Kind::kMedium;
    if (medium) {
      result.push_back({text, TextPart::Kind::kTemplate});
    }
    result.push_back(std::move(part));
    if (medium) {
      result.push_back({text, TextPart::Kind::kTemplate});
    }
  }
  return result;
}

std::string joined(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.text;
  }
  return text;
}

std::vector<TextPart> slice(std::span<const TextPart> parts, std::size_t begin, std::size_t end) {
  std::vector<TextPart> result;
  std::size_t at = 0;
  for (const TextPart& part : parts) {
    const std::size_t from = std::clamp(begin, at, at + part.text.size());
    const std::size_t to = std::clamp(end, at, at + part.text.size());
    if (from < to) {
      result.push_back({part.text.substr(from - at, to - from), part.kind});
    }
    at += part.text.size();
  }
  return result;
}

std::string input_text(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.kind == TextPart::Kind::kInput ? part.text : "";
  }
  return text;
}

std::string tail_of(std::span<const TextPart> parts) {
  std::string tail;
  for (const TextPart& part : parts) {
    if (part.kind == TextPart::Kind::kInput) {
      tail.clear();
    } else {
      tail += part.text;
    }
  }
  return tail;
}

std::string_view stripped(std::string_view text) { return trimmed(text, kBlanks); }

bool says(std::string_view text, std::string_view part) {
  return !part.empty() && text.find(part) != std::string_view::npos;
}

}  // namespace endorm
