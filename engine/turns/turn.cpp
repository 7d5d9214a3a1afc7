#include "engine/turns/turn.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "engine/turns/reasoning_blocks.h"

namespace endorm {
namespace {

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
                       : std::any_of(marks.begin(), marks.end(), [&](auto mark) { return says(text, mark); });
}

bool is_answer_alone(const Turn& turn, const ResponseText& response) {
  if (response.truncated || !turn.finished) {
    return false;
  }
  if (turn.block) {
    return !says(response.text, turn.block->closer) &&
           !stripped(response.text).starts_with(stripped(turn.block->opener));
  }
  return !turn.header.empty() && !brings_header(response.text, turn.header) && !begins_a_turn(response.text, turn);
}

// The bytes at the beginning of a text that spell the opening of a block again.
std::size_t opener_bytes(std::string_view text, std::string_view opener) {
  const std::string_view mark = stripped(opener);
  std::size_t at = std::min(text.find_first_not_of(kBlanks), text.size());
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
  if (!turn.before.empty() && kBlanks.find(text.empty() ? 'x' : text.front()) == std::string_view::npos) {
    placed.text_begin = turn.before.size();
    placed.response.push_back({turn.before, TextPart::Kind::kTemplate});
  }
  placed.response.push_back({text.substr(placed.text_offset), turn.context == ResponseContext::kRaw
                                                                  ? TextPart::Kind::kTemplate
                                                                  : TextPart::Kind::kResponse});
  return placed;
}

}  // namespace endorm
