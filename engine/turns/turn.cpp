#include "engine/turns/turn.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace endorm {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

bool contains(std::string_view text, std::string_view part) {
  return !part.empty() && text.find(part) != std::string_view::npos;
}

// What templates call the block that a model thinks in.
bool names_reasoning(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char byte) { return static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte); });
  return contains(lower, "think") || contains(lower, "thought") || contains(lower, "reason");
}

// Bytes of the "<a>" or "[a]" that a text begins with, 0 where it begins with none.
std::size_t tag_size(std::string_view text) {
  const std::size_t end = text.find_first_of("<>[] \n", 1);
  const bool closes = end != std::string_view::npos && text[end] == (text.front() == '<' ? '>' : ']');
  return closes && end > 1 ? end + 1 : 0;
}

// "<a>" and "[a]" in a text, in order.
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
  if (name.front() == '/' || !names_reasoning(name) || contains(name, "END") || contains(name, "end_")) {
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

// A block, and where in a text its opening stands.
struct FoundBlock {
  std::size_t begin = 0;
  std::size_t content = 0;  // behind the opening
  std::string closer;
};

// The first block that opens at or behind `from`.
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

// A text without its blocks that hold white space alone.
std::string without_empty_blocks(std::string text) {
  std::size_t from = 0;
  while (const std::optional<FoundBlock> block = find_block(text, from)) {
    const std::size_t end = text.find(block->closer, block->content);
    if (end != std::string::npos && text.find_first_not_of(kBlank, block->content) == end) {
      text.erase(block->begin, end + block->closer.size() - block->begin);
    } else {
      from = block->content;
    }
  }
  return text;
}

std::string without(std::string text, std::string_view part) {
  for (std::size_t at = part.empty() ? std::string::npos : text.find(part); at != std::string::npos;
       at = text.find(part)) {
    text.erase(at, part.size());
  }
  return text;
}

// A prompt that ends as a finished turn does. A template may write otherwise what precedes an answer once that is there
// (a system message before the last question alone, reasoning that is dropped): the model saw what the prompt has.
std::vector<TextPart> finished_behind(std::span<const TextPart> prompt, const std::string& finished_tail) {
  const std::string tail = tail_of(prompt);
  const std::size_t shared = shared_beginning(tail, finished_tail);
  std::vector<TextPart> finished = slice(prompt, 0, joined(prompt).size() - tail.size() + shared);
  finished.push_back({finished_tail.substr(shared), TextPart::Kind::kTemplate});
  return finished;
}

// What two endings of one prompt, of an open turn and of a finished one, say of the turn.
void compare_endings(std::string_view asked, std::string_view finished, std::string_view reasoning_end, Turn& turn) {
  const std::size_t shared = shared_beginning(asked, finished);
  const std::string_view extra = asked.substr(shared);  // the generation prompt's alone
  std::string header(finished.substr(shared));          // the finished turn's alone
  std::optional<FoundBlock> last;
  for (auto block = find_block(asked, 0); block; block = find_block(asked, block->content)) {
    last = block;
  }
  if (last && asked.find(last->closer, last->content) == std::string_view::npos) {
    turn.block = OpenBlock{std::string(asked.substr(last->begin)), last->closer};
  } else if (!last && !stripped(extra).empty() && tags(extra).empty() && !stripped(reasoning_end).empty()) {
    // A block that opens with a sentence and closes as the template closes reasoning that it is given.
    const std::vector<std::string_view> closers = tags(reasoning_end);
    const std::string_view line = stripped(reasoning_end).substr(0, stripped(reasoning_end).find('\n'));
    turn.block =
        OpenBlock{std::string(extra), std::string(line.front() == '<' && !closers.empty() ? closers[0] : line)};
  }
  if (turn.block) {
    turn.header = stripped(without(header, turn.block->closer));
    return;
  }
  for (const std::string_view tag : tags(extra)) {
    header = without(std::move(header), tag);
  }
  if (stripped(without_empty_blocks(std::string(extra))).empty()) {
    header = without_empty_blocks(std::move(header));
    turn.header = stripped(header).empty() ? std::string() : header.substr(header.find_first_not_of("\r\n"));
  }
}

// Does a text begin as turns of this template begin: with one of its tags, or with the name of a function?
bool begins_a_turn(std::string_view text, const Turn& turn) {
  text = stripped(text);
  if (std::any_of(turn.starts.begin(), turn.starts.end(), [&](const auto& start) { return text.starts_with(start); })) {
    return true;
  }
  const auto in_name = [](unsigned char byte) {
    return std::isalnum(byte) || byte == '_' || byte == '-' || byte == '.';
  };
  const auto name_end = std::find_if_not(text.begin(), text.end(), in_name);
  return !turn.behind_name.empty() && name_end != text.begin() &&
         text.substr(static_cast<std::size_t>(name_end - text.begin())).starts_with(turn.behind_name);
}

// Does a response bring what the template writes before an answer?
bool brings_header(std::string_view text, std::string_view header) {
  const std::vector<std::string_view> marks = tags(header);
  return marks.empty() ? text.starts_with(stripped(header))
                       : std::any_of(marks.begin(), marks.end(), [&](auto mark) { return contains(text, mark); });
}

bool is_answer_alone(const Turn& turn, const ResponseText& response) {
  if (response.truncated || !turn.finished) {
    return false;
  }
  if (turn.block) {
    return !contains(response.text, turn.block->closer) &&
           !stripped(response.text).starts_with(stripped(turn.block->opener));
  }
  return !turn.header.empty() && !brings_header(response.text, turn.header) && !begins_a_turn(response.text, turn);
}

// The bytes at the beginning of a text that spell the opening of a block again.
std::size_t opener_bytes(std::string_view text, std::string_view opener) {
  const std::string_view mark = stripped(opener);
  std::size_t at = std::min(text.find_first_not_of(kBlank), text.size());
  if (mark.empty() || !text.substr(at).starts_with(mark)) {
    return 0;
  }
  at += mark.size();
  for (const char byte : opener.substr(opener.find(mark) + mark.size())) {
    if (at == text.size() || text[at] != byte) {
      break;
    }
    ++at;
  }
  return at;
}

}  // namespace

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

std::string_view stripped(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::size_t shared_beginning(std::string_view a, std::string_view b) {
  const auto shared = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  if (shared == a.size() || shared == b.size()) {
    return shared;
  }
  const std::size_t open = a.substr(0, shared).find_last_of("<[>]");
  return open != std::string_view::npos && (a[open] == '<' || a[open] == '[') ? open : shared;
}

std::string input_text(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) {
    text += part.kind == TextPart::Kind::kInput ? part.text : "";
  }
  return text;
}

std::string first_tag(std::string_view text) {
  const std::vector<std::string_view> found = tags(text);
  return found.empty() || found.front().data() != text.data() ? std::string() : std::string(found.front());
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

Turn make_turn(std::vector<TextPart> prompt, std::vector<TextPart> finished, std::vector<TextPart> after,
               const TurnHabits& habits) {
  Turn turn;
  if (!input_text(finished).starts_with(input_text(prompt))) {
    finished = finished_behind(prompt, tail_of(finished));
  }
  const std::string asked_text = joined(prompt);
  const std::string finished_text = joined(finished);
  const std::string asked_tail = tail_of(prompt);
  const std::size_t tail_begin = asked_text.size() - asked_tail.size();
  // The role of the answer comes from its message, so that it may count as its words.
  const bool same_beginning = finished_text.starts_with(std::string_view(asked_text).substr(0, tail_begin));
  compare_endings(asked_tail, same_beginning ? finished_text.substr(tail_begin) : tail_of(finished),
                  habits.reasoning_end, turn);
  if (asked_text != finished_text) {
    turn.finished = std::move(finished);
  }
  turn.prompt = std::move(prompt);
  turn.after = std::move(after);
  turn.starts = habits.starts;
  turn.behind_name = habits.behind_name;
  turn.next = habits.next;
  return turn;
}

PlacedResponse place_response(const Turn& turn, const ResponseText& response, ResponseReading reading) {
  PlacedResponse placed;
  placed.after = turn.after;
  placed.next = turn.next;
  const std::string& text = response.text;
  const bool alone = reading == ResponseReading::kAnswer
                         ? turn.finished.has_value()
                         : reading == ResponseReading::kAuto && is_answer_alone(turn, response);
  if (alone) {
    placed.prompt = *turn.finished;
    placed.whole_after = true;
    placed.context = ResponseContext::kClosedByTemplate;
    placed.text_offset = text.starts_with(turn.header) ? turn.header.size() : 0;
  } else {
    placed.prompt = turn.prompt;
    placed.context = turn.context;
    placed.text_offset = turn.block && reading == ResponseReading::kAuto ? opener_bytes(text, turn.block->opener) : 0;
  }
  if (!turn.before.empty() && kBlank.find(text.empty() ? 'x' : text.front()) == std::string_view::npos) {
    placed.text_begin = turn.before.size();
    placed.response.push_back({turn.before, TextPart::Kind::kTemplate});
  }
  placed.response.push_back({text.substr(placed.text_offset), turn.context == ResponseContext::kRaw
                                                                  ? TextPart::Kind::kTemplate
                                                                  : TextPart::Kind::kResponse});
  return placed;
}

}  // namespace endorm
