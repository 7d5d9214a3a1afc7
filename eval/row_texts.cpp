#include "eval/row_texts.h"

#include <string>

#include "core/errors.h"
#include "core/trimmed.h"

namespace endorm {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::vector<RowText> lines_of(std::string_view bytes) {
  std::vector<RowText> rows;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::size_t newline = bytes.find('\n');
    const std::string_view line = trimmed_row(bytes.substr(0, newline));
    bytes.remove_prefix(newline == std::string_view::npos ? bytes.size() : newline + 1);
    if (!line.empty()) {
      rows.push_back({.number = number, .text = line});
    }
  }
  return rows;
}

// Cuts at the commas of the outermost array: those outside strings and deeper brackets.
std::vector<RowText> elements_of(std::string_view bytes) {
  std::vector<RowText> rows;
  std::size_t depth = 0;
  bool in_string = false;
  std::size_t begin = 1;
  const auto cut = [&](std::size_t end) {
    rows.push_back({.number = rows.size() + 1, .text = trimmed_row(bytes.substr(begin, end - begin))});
    begin = end + 1;
  };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ',' && depth == 1) {
      cut(i);
    } else if ((c == ']' || c == '}') && --depth == 0) {
      if (!rows.empty() || !trimmed_row(bytes.substr(begin, i - begin)).empty()) {
        cut(i);
      }
      if (i + 1 < bytes.size()) {
        throw InvalidInput("there is more text after the JSON array, at byte " + std::to_string(i + 1) +
                           ". Give one array of objects, or one object a line.");
      }
      return rows;
    }
  }
  throw InvalidInput("the JSON array that begins the file is not closed: a bracket or a quotation mark is missing.");
}

}  // namespace

std::vector<RowText> row_texts(std::string_view bytes) {
  if (bytes.starts_with(kByteOrderMark)) {
    bytes.remove_prefix(kByteOrderMark.size());
  }
  const std::string_view text = trimmed_row(bytes);
  return text.starts_with('[') ? elements_of(text) : lines_of(bytes);
}

std::string_view trimmed_row(std::string_view text) { return trimmed(text, " \t\r\n\v\f"); }

}  // namespace endorm
