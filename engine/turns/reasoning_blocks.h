#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace endorm {

// Tags ("<a>", "[a]") in what a template or a model writes, and the blocks that models reason in, as templates spell
// them: "<think>", "[THINK]", "<|channel>thought", ...

// The tags of a text, in order.
std::vector<std::string_view> tags(std::string_view text);
// The tag that a text begins with; empty where it begins with none.
std::string first_tag(std::string_view text);
// How many bytes two texts share at their beginning, no tag cut in two.
std::size_t shared_beginning(std::string_view a, std::string_view b);

// A reasoning block, and where in a text its opening stands.
struct FoundBlock {
  std::size_t begin = 0;
  std::size_t content = 0;  // behind the opening
  std::string closer;
};

// The first one that opens at or behind `from`.
std::optional<FoundBlock> find_block(std::string_view text, std::size_t from);
// A text without its blocks that hold white space alone.
std::string without_empty_blocks(std::string text);
// What a text says behind its last block that is closed.
std::string_view behind_reasoning(std::string_view text);
// The tags that open and close the blocks of a text, closed or not.
std::string reasoning_marks(std::string_view text);
// Bytes of the tag of a block that a text begins with, 0 where it begins with none.
std::size_t reasoning_tag_size(std::string_view text);

}  // namespace endorm
