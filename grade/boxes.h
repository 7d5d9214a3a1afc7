#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// Where a \boxed{...} or \fbox{...} of a text lies, in bytes.
struct Box {
  std::size_t begin = 0;   // of its command
  std::size_t inside = 0;  // [inside, inside_end) is what it holds
  std::size_t inside_end = 0;
  std::size_t end = 0;  // behind its brace
};

// The boxes in the order in which they stand; a box inside a box is not counted, and one that is never closed ends with
// its line. One pass over the text.
std::vector<Box> find_boxes(std::string_view text);

// Whether what lies between two answers only joins them to one list: "$ and $", ", ", "\quad\text{or}\quad".
bool joins_answers(std::string_view between);

// What the boxes from the first-th on hold, parted by commas.
std::string joined_boxes(std::string_view text, const std::vector<Box>& boxes, std::size_t first);

}  // namespace endorm
