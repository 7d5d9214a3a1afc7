#include "engine/turns/input_marks.h"

#include <algorithm>
#include <utility>

#include "core/utf8.h"
#include "engine/turns/reasoning_blocks.h"

namespace endorm {
namespace {

using Kind = TextPart::Kind;

constexpr std::string_view kMark = "\xEF\xA3\xBF";    // U+F8FF, for private use
constexpr std::string_view kEscapedMark = "\\uf8ff";  // as tojson(ensure_ascii=true) writes it
constexpr std::string_view kOpeners = "<[]{|";
constexpr std::string_view kBreaks = " \t\r\n\f\v\b\"\\'";  // blanks, and what is written otherwise in JSON

bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// Does the input hold a text, if it may spell a special token, as often as it was given?
bool is_marked(std::string_view input, std::string_view text, std::span<const std::string> texts) {
  if (text.empty() || !may_spell_special(text)) {
    return true;
  }
  const auto given =
      std::count_if(texts.begin(), texts.end(), [&](const std::string& other) { return stripped(other) == text; });
  return occurrences(input, text) >= static_cast<std::size_t>(given);
}

}  // namespace

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

bool may_spell_special(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char byte) { return !is_ascii(byte) || kOpeners.find(byte) != std::string_view::npos; });
}

std::string with_marks(std::string_view text, const InputMarks& marks) {
  const std::string_view words = stripped(text);
  const auto first = static_cast<std::size_t>(words.data() - text.data());
  std::string marked;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t spared = marks.spare_reasoning ? reasoning_tag_size(text.substr(at)) : 0;
    const std::size_t size = spared > 0 ? spared : first_utf8_character(text.substr(at)).bytes;
    marked += text.substr(at, size);
    const bool opens = !is_ascii(text[at]) || kOpeners.find(text[at]) != std::string_view::npos;
    const bool is_end = marks.at_ends && !words.empty() && (at == first || at + size == first + words.size());
    if (spared == 0 && (opens || is_end)) {
      marked += kMark;
    }
    at += size;
  }
  return marked;
}

std::optional<std::vector<TextPart>> take_marks(std::span<const TextPart> parts, std::string_view marked) {
  const std::string whole = joined(parts);
  const std::string_view text = whole;
  std::vector<bool> input;
  input.reserve(text.size());
  for (const TextPart& part : parts) {
    input.insert(input.end(), part.text.size(), part.kind == Kind::kInput);
  }
  std::size_t at = 0;  // in text
  std::size_t last = 0;
  while (!marked.empty()) {
    const std::string_view mark = marked.starts_with(kMark) ? kMark : kEscapedMark;
    if (marked.starts_with(mark) && !text.substr(at).starts_with(mark)) {
      std::fill(input.begin() + static_cast<std::ptrdiff_t>(last), input.begin() + static_cast<std::ptrdiff_t>(at),
                true);
      marked.remove_prefix(mark.size());
      continue;
    }
    const std::size_t size = first_utf8_character(marked).bytes;
    if (text.compare(at, size, marked.substr(0, size)) != 0) {
      return std::nullopt;
    }
    last = at;
    at += size;
    marked.remove_prefix(size);
  }
  if (at != text.size()) {
    return std::nullopt;
  }
  std::vector<TextPart> result;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = static_cast<std::size_t>(
        std::find(input.begin() + static_cast<std::ptrdiff_t>(begin), input.end(), !input[begin]) - input.begin());
    result.push_back({std::string(text.substr(begin, end - begin)), input[begin] ? Kind::kInput : Kind::kTemplate});
    begin = end;
  }
  return result;
}

bool all_marked(std::span<const TextPart> parts, std::span<const std::string> texts) {
  std::string written;
  for (const TextPart& part : parts) {
    written += part.kind == Kind::kInput ? "\n" : part.text;
  }
  return std::none_of(texts.begin(), texts.end(), [&](std::string_view text) {
    for (std::size_t at = text.find_first_not_of(kBreaks); at != std::string_view::npos;) {
      const std::size_t end = std::min(text.find_first_of(kBreaks, at), text.size());
      const std::string_view word = text.substr(at, end - at);
      if (word.size() > 1 && may_spell_special(word) && written.find(word) != std::string::npos) {
        return true;
      }
      at = text.find_first_not_of(kBreaks, end);
    }
    return false;
  });
}

std::vector<TextPart> with_texts_marked(std::vector<TextPart> parts, std::span<const std::string> texts) {
  for (const std::string& text : texts) {
    const std::string_view words = stripped(text);
    if (is_marked(input_text(parts), words, texts)) {
      continue;
    }
    std::vector<TextPart> marked;
    for (const TextPart& part : parts) {
      std::size_t begin = 0;
      for (std::size_t at = part.kind == Kind::kInput ? std::string::npos : part.text.find(words);
           at != std::string::npos; at = part.text.find(words, begin)) {
        marked.push_back({part.text.substr(begin, at - begin), Kind::kTemplate});
        marked.push_back({std::string(words), Kind::kInput});
        begin = at + words.size();
      }
      marked.push_back({part.text.substr(begin), part.kind});
    }
    parts = std::move(marked);
  }
  return parts;
}

}  // namespace endorm
