#include "grade/boxes.h"

#include <algorithm>
#include <optional>

#include "grade/answer_text.h"

namespace endorm {
namespace {

// The box whose command begins at `begin`.
std::optional<Box> box_at(std::string_view text, std::size_t begin, std::size_t name_size) {
  std::size_t place = begin + name_size;
  while (place < text.size() && text[place] == ' ') {
    ++place;
  }
  if (place == text.size()) {
    return std::nullopt;
  }
  if (text[place] != '{') {
    std::size_t end = place;
    while (end < text.size() && !is_space(text[end]) && text[end] != '$') {
      ++end;
    }
    return Box{begin, place, end, end};
  }
  int open = 0;
  for (std::size_t at = place; at < text.size(); ++at) {
    const bool escaped = at > 0 && text[at - 1] == '\\';
    if (!escaped && text[at] == '{') {
      ++open;
    }
    if (!escaped && text[at] == '}' && --open == 0) {
      return Box{begin, place + 1, at, at + 1};
    }
  }
  const std::size_t line = std::min(text.find('\n', place), text.size());
  return Box{begin, place + 1, line, line};
}

}  // namespace

std::vector<Box> find_boxes(std::string_view text) {
  std::vector<Box> found;
  for (std::size_t place = text.find('\\'); place != std::string_view::npos; place = text.find('\\', place + 1)) {
    for (const std::string_view name : {"\\boxed", "\\fbox", "\\framebox"}) {
      if (text.substr(place, name.size()) != name) {
        continue;
      }
      if (const std::optional<Box> box = box_at(text, place, name.size())) {
        found.push_back(*box);
        place = std::max(place, box->end - 1);
      }
      break;
    }
  }
  return found;
}

bool joins_answers(std::string_view between) {
  std::string bare;
  for (const char c : between) {
    if (is_letter(c)) {
      bare += c;
    }
    if (is_digit(c)) {
      return false;
    }
  }
  for (const std::string_view word : {"quad", "quad", "text", "mbox", "and", "or"}) {
    const std::size_t found = bare.find(word);
    if (found != std::string::npos) {
      bare.erase(found, word.size());
    }
  }
  constexpr std::size_t kFar = 40;
  return bare.empty() && between.size() < kFar && between.find("\n\n") == std::string_view::npos;
}

std::string joined_boxes(std::string_view text, const std::vector<Box>& boxes, std::size_t first) {
  std::string joined;
  for (std::size_t k = first; k < boxes.size(); ++k) {
    if (!joined.empty()) {
      joined += ", ";
    }
    joined += text.substr(boxes[k].inside, boxes[k].inside_end - boxes[k].inside);
  }
  return joined;
}

}  // namespace endorm
