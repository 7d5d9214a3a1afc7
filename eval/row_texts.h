#pragma once

#include <string_view>
#include <vector>

namespace endorm {

// The texts of a data file's rows, cut but not parsed: a fault in one leaves the others whole. A file is one JSON array
// of objects, or JSON lines; blank lines are skipped, and a byte-order mark at the start is dropped. The views are into
// `bytes`. Throws InvalidInput on an array that is not closed or has more text after it.
struct RowText {
  std::size_t number = 0;  // 1-based: place in the array, or line
  std::string_view text;
};

std::vector<RowText> row_texts(std::string_view bytes);

// The text without the white space around it.
std::string_view trimmed_row(std::string_view text);

}  // namespace endorm
