#include "engine/turns/reasoning_blocks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii_lower.h"
#include "engine/turns/text_parts.h"

namespace endorm {
namespace {

// What templates call the block that a model thinks in.
bool names_reasoning(std::string_view name) {
  const std::string lower = ascii_lower(name);
  return says(lower, "think") || says(lower, "thought") || says(lower, "reason");
}

// Bytes of the "<a>" or "[a]" that a text begins with, 0 where it begins with none.
std::size_t tag_size(std::string_view text) {
  const std::size_t end = text.find_first_of("<>[] \n", 1);
  const bool closes = end != std::string_view::npos && text[end] == (text.front() == '<' ? '>' : ']');
  return closes && end > 1 ? end + 1 : 0;
}

// Blocks that do not open with one tag.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kLongBlocks = {{
    {"<|open|>think<|sep|>", "<|close|>think<|sep|>"},
    {"<|channel>thought", "<channel|>"},
    {"\xE2\x97\x81think\xE2\x96\xB7", "\xE2\x97\x81/think\xE2\x96\xB7"},  // white triangles
}};
// How the tag that closes is made of the one that opens: "<|START_THINKING|>", "<|END_THINKING|>".
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kWords = {
    {{"START", "END"}, {"start", "end"}, {"BEGIN", "END"}, {"begin", "end"}}};

// The tag that closes the block that `tag` opens; empty where it opens none.
std::string closer_of(std::string_view tag) {
  const std::string_view name = tag.substr(1, tag.size() - 2);
  if (name.front() == '/' || !names_reasoning(name) || says(name, "END") || says(name, "end_")) {
    return {};
  }
  std::string closer(tag);
  for (const auto& [begin, end] : kWords) {
    if (const std::size_t at = closer.find(begin); at != std::string::npos) {
      return closer.replace(at, begin.size(), end);
    }
  }
  return closer.insert(name.front() == '|' ? 2 : 1, "/");
}

}  // namespace

std::vector<std::string_view> tags(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t at = text.find_first_of("<["); at != std::string_view::npos; at = text.find_first_of("<[", at)) {
    const std::size_t size = tag_size(text.substr(at));
    if (size > 0) {
      found.push_back(text.substr(at, size));
    }
    at += std::max<std::size_t>(size, 1);
  }
  return found;
}

std::string first_tag(std::string_view text) {
  const std::vector<std::string_view> found = tags(text);
  return found.empty() || found.front().data() != text.data() ? std::string() : std::string(found.front());
}

std::size_t shared_beginning(std::string_view a, std::string_view b) {
  const auto shared = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  if (shared == a.size() || shared == b.size()) {
    return shared;
  }
  const std::size_t open = a.substr(0, shared).find_last_of("<[>]");
  return open != std::string_view::npos && (a[open] == '<' || a[open] == '[') ? open : shared;
}

std::optional<FoundBlock> find_block(std::string_view text, std::size_t from) {
  std::optional<FoundBlock> first;
  const auto take = [&](std::size_t begin, std::size_t size, std::string closer) {
    if (!closer.empty() && (!first || begin < first->begin)) {
      first = FoundBlock{begin, begin + size, std::move(closer)};
    }
  };
  for (std::size_t at = text.find_first_of("<[", from); at != std::string_view::npos && !first;
       at = text.find_first_of("<[", at)) {
    const std::size_t size = tag_size(text.substr(at));
    if (size > 0) {
      take(at, size, closer_of(text.substr(at, size)));
    }
    at += std::max<std::size_t>(size, 1);
  }
  for (const auto& [opener, closer] : kLongBlocks) {
    if (const std::size_t at = text.find(opener, from); at != std::string_view::npos) {
      take(at, opener.size(), std::string(closer));
    }
  }
  return first;
}

std::string without_empty_blocks(std::string text) {
  std::size_t from = 0;
  while (const std::optional<FoundBlock> block = find_block(text, from)) {
    const std::size_t end = text.find(block->closer, block->content);
    if (end != std::string::npos && text.find_first_not_of(kBlanks, block->content) == end) {
      text.erase(block->begin, end + block->closer.size() - block->begin);
    } else {
      from = block->content;
    }
  }
  return text;
}

std::string_view behind_reasoning(std::string_view text) {
  std::size_t begin = 0;
  for (auto block = find_block(text, 0); block; block = find_block(text, begin)) {
    const std::size_t end = text.find(block->closer, block->content);
    if (end == std::string_view::npos) {
      break;
    }
    begin = end + block->closer.size();
  }
  return text.substr(begin);
}

std::string reasoning_marks(std::string_view text) {
  std::string marks;
  for (auto block = find_block(text, 0); block; block = find_block(text, block->content)) {
    marks += std::string(text.substr(block->begin, block->content - block->begin)) + block->closer;
  }
  return marks;
}

std::size_t reasoning_tag_size(std::string_view text) {
  for (const auto& [opener, closer] : kLongBlocks) {
    for (const std::string_view mark : {opener, closer}) {
      if (text.starts_with(mark)) {
        return mark.size();
      }
    }
  }
  const std::size_t size = text.starts_with('<') || text.starts_with('[') ? tag_size(text) : 0;
  return names_reasoning(text.substr(0, size)) ? size : 0;
}

}  // namespace endorm
