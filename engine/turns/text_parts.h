#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/messages.h"

namespace endorm {

// A piece of rendered text.
struct TextPart {
  enum class Kind {
    kTemplate,  // written by the template, or raw text: special tokens spelled out in it are special tokens
    kInput,     // came from a message: text and nothing else, a special token spelled out in it stays text
    kResponse,  // a response: as kInput, but for the special tokens that the template writes within a model's turn
    kMedium,    // kMediumText: the next of the messages' media stands here
  };

  std::string text;
  Kind kind = Kind::kTemplate;
};

inline constexpr std::string_view kMediumText = "\xEF\xBF\xBC\xEF\xA3\xBE";  // U+FFFC U+F8FE

// The content of a message: its text, and its media where they stand.
std::vector<TextPart> content_parts(const Message& message, TextPart::Kind kind);

// The parts with `text`, as a template's, before and behind every medium.
std::vector<TextPart> around_media(std::vector<TextPart> parts, const std::string& text);

// The texts of parts, one behind the other.
std::string joined(std::span<const TextPart> parts);
// The parts of bytes [begin, end) of the joined text.
std::vector<TextPart> slice(std::span<const TextPart> parts, std::size_t begin, std::size_t end);

// What of it came from messages.
std::string input_text(std::span<const TextPart> parts);
// What the template wrote behind the last word of a message.
std::string tail_of(std::span<const TextPart> parts);

inline constexpr std::string_view kBlanks = " \t\r\n";
// A text without blanks around it.
std::string_view stripped(std::string_view text);

// Whether a text says a part; none says an empty one.
bool says(std::string_view text, std::string_view part);

}  // namespace endorm
