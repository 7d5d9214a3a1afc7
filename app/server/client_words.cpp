#include "app/server/client_words.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace endorm {
namespace {

bool is_of_names(unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_' || byte == ':' || byte == ' '; }

// Bytes of the "[function] " or "line 1: " that a text begins with: a body is read as the only line of a file.
std::size_t name_size(std::string_view text) {
  constexpr std::string_view kOnlyLine = "line 1: ";
  if (text.starts_with(kOnlyLine)) {
    return kOnlyLine.size();
  }
  if (!text.starts_with('[') || text.size() < 2 || std::isalpha(static_cast<unsigned char>(text[1])) == 0) {
    return 0;
  }
  std::size_t size = 1;
  while (size < text.size() && is_of_names(static_cast<unsigned char>(text[size]))) {
    ++size;
  }
  return text.substr(size).starts_with("] ") ? size + 2 : 0;
}

bool names_option(std::string_view sentence) {
  for (std::size_t at = sentence.find(" --"); at != std::string_view::npos; at = sentence.find(" --", at + 1)) {
    if (at + 3 < sentence.size() && std::islower(static_cast<unsigned char>(sentence[at + 3])) != 0) {
      return true;
    }
  }
  return false;
}

// The end of the sentence that begins at `begin`, its full stop or question mark and space among it.
std::size_t sentence_end(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin; at + 2 < text.size(); ++at) {
    const bool ends = (text[at] == '.' || text[at] == '?') && text[at + 1] == ' ';
    if (ends && std::isupper(static_cast<unsigned char>(text[at + 2])) != 0) {
      return at + 2;
    }
  }
  return text.size();
}

}  // namespace

std::string client_words(const std::string& reason) {
  std::string unnamed;
  for (std::string_view left = reason; !left.empty();) {
    left.remove_prefix(name_size(left));
    const std::size_t colon = std::min(left.find(": ["), left.find(": line 1: "));  // what one says of another's words
    const std::size_t end = colon == std::string_view::npos ? left.size() : colon + 2;
    unnamed += left.substr(0, end);
    left.remove_prefix(end);
  }
  std::string told;
  for (std::size_t begin = 0; begin < unnamed.size();) {
    const std::size_t end = sentence_end(unnamed, begin);
    const std::string_view sentence = std::string_view(unnamed).substr(begin, end - begin);
    if (begin == 0 || !names_option(sentence)) {
      told += sentence;
    }
    begin = end;
  }
  return told.ends_with(' ') ? told.substr(0, told.size() - 1) : told;
}

}  // namespace endorm
