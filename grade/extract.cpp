#include "grade/extract.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "grade/answer_text.h"
#include "grade/boxes.h"
#include "grade/prose.h"

namespace endorm {
namespace {

ExtractedAnswer from_boxes(std::string_view text, const std::vector<Box>& boxes) {
  const auto between = [&](std::size_t k) { return text.substr(boxes[k - 1].end, boxes[k].begin - boxes[k - 1].end); };
  std::size_t first = boxes.size() - 1;
  while (first > 0 && joins_answers(between(first))) {
    --first;
  }
  std::size_t paragraph = first;
  while (paragraph > 0 && between(paragraph).find("\n\n") == std::string_view::npos) {
    --paragraph;
  }
  ExtractedAnswer found{joined_boxes(text, boxes, first), AnswerPlace::kBox, ""};
  if (paragraph < first) {
    found.paragraph_boxes = joined_boxes(text, boxes, paragraph);
  }
  return found;
}

// What follows the last "####" on its line; a heading of Markdown, "#### Step 1: ..." or "#### 3. Result", is none.
std::optional<std::string_view> after_hashes(std::string_view text) {
  const std::size_t hashes = text.rfind("####");
  if (hashes == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view line = text.substr(hashes + 4);
  line = line.substr(0, line.find('\n'));
  const std::string_view answer = without_marks(line);
  std::size_t digits = 0;
  while (digits < answer.size() && is_digit(answer[digits])) {
    ++digits;
  }
  const bool numbered = digits > 0 && answer.substr(digits, 2) == ". ";
  const bool titled = answer.size() > 1 && is_letter(answer[0]) && is_letter(answer[1]) && !answer.ends_with('.');
  const bool heading = answer.ends_with(':') || numbered || (titled && hashes + 4 + line.size() < text.size());
  if (heading) {
    return std::nullopt;
  }
  return answer;
}

std::optional<std::string_view> after_phrase(std::string_view text) {
  const std::string small = lower(text);
  std::size_t after = 0;
  for (const std::string_view phrase :
       {"answer is", "answer:", "answers are", "answer is:", "answer**:", "answer = "}) {
    const std::size_t found = small.rfind(phrase);
    if (found != std::string::npos) {
      after = std::max(after, found + phrase.size());
    }
  }
  if (after == 0) {
    return std::nullopt;
  }
  const std::string_view found = without_marks(first_sentence(without_marks(text.substr(after))));
  if (found.empty()) {
    return std::nullopt;
  }
  return found;
}

}  // namespace

ExtractedAnswer extract_answer(std::string_view text) {
  const std::vector<Box> boxes = find_boxes(text);
  if (!boxes.empty()) {
    return from_boxes(text, boxes);
  }
  if (const auto hashes = after_hashes(text)) {
    return {std::string(*hashes), AnswerPlace::kHashes, ""};
  }
  if (const auto phrase = after_phrase(text)) {
    if (is_prose(*phrase)) {
      if (const auto said = said_last(*phrase)) {
        return {said->text, AnswerPlace::kPhrase, ""};
      }
    }
    return {std::string(*phrase), AnswerPlace::kPhrase, ""};
  }
  if (!is_prose(text)) {
    return {std::string(without_marks(text)), AnswerPlace::kWhole, ""};
  }
  // "$f(x) = ax + b$, where $b$ is an integer": the answer stands in front.
  const std::string_view stated = text.substr(0, std::min(text.find(", where "), text.find(",where ")));
  if (stated.size() < text.size() && !stated.empty() && stated.back() == '$' && !is_prose(stated)) {
    return {std::string(without_marks(stated)), AnswerPlace::kWhole, ""};
  }
  if (const auto said = said_last(text)) {
    return {said->text, said->formula ? AnswerPlace::kFormula : AnswerPlace::kNumber, ""};
  }
  constexpr std::size_t kFewWords = 24;  // bytes: "there are none"
  if (text.size() <= kFewWords) {
    return {std::string(without_marks(text)), AnswerPlace::kWhole, ""};
  }
  return {};
}

char choice_letter(std::string_view text) {
  std::string bare;
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char c = text[place];
    if (c == '\\') {  // a command only changes how the letter looks
      const char next = place + 1 < text.size() ? text[place + 1] : ' ';
      if (std::string_view("()[]").find(next) != std::string_view::npos) {  // or says where a formula begins and ends
        ++place;
        continue;
      }
      while (place + 1 < text.size() && is_letter(text[place + 1])) {
        ++place;
      }
    } else if (is_space(c)) {
      if (!bare.empty()) {
        bare += ' ';
      }
    } else if (c != '$' && c != '{' && c != '}' && c != '*') {
      bare += c;
    }
  }
  while (!bare.empty() && bare.back() == ' ') {
    bare.pop_back();
  }
  std::string_view view = bare;
  const bool bracketed = !view.empty() && view.front() == '(';
  if (bracketed) {
    view.remove_prefix(1);
  }
  if (view.empty() || view.front() < 'A' || view.front() > 'J') {
    return '\0';
  }
  const char letter = view.front();
  view.remove_prefix(1);
  if (view.empty()) {
    return bracketed ? '\0' : letter;
  }
  if (view.front() == ')' || (!bracketed && (view.front() == '.' || view.front() == ':'))) {
    return letter;
  }
  return '\0';
}

}  // namespace endorm
