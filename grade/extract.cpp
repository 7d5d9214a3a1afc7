#include "grade/extract.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

struct Span {
  std::size_t begin = 0;  // of the command
  std::size_t inside = 0;
  std::size_t inside_end = 0;
  std::size_t end = 0;
};

// The box whose command begins at `begin`; its braces may lack the closing one, then it ends with its line.
std::optional<Span> box_at(std::string_view text, std::size_t begin, std::size_t name_size) {
  std::size_t place = begin + name_size;
  while (place < text.size() && text[place] == ' ') ++place;
  if (place == text.size()) return std::nullopt;
  if (text[place] != '{') {
    std::size_t end = place;
    while (end < text.size() && !is_space(text[end]) && text[end] != '$') ++end;
    return Span{begin, place, end, end};
  }
  int open = 0;
  for (std::size_t at = place; at < text.size(); ++at) {
    const bool escaped = at > 0 && text[at - 1] == '\\';
    if (!escaped && text[at] == '{') ++open;
    if (!escaped && text[at] == '}' && --open == 0) return Span{begin, place + 1, at, at + 1};
  }
  const std::size_t line = std::min(text.find('\n', place), text.size());
  return Span{begin, place + 1, line, line};
}

// Boxes in the order in which they stand; a box inside a box is not counted.
std::vector<Span> boxes(std::string_view text) {
  std::vector<Span> found;
  for (std::size_t place = text.find('\\'); place != std::string_view::npos; place = text.find('\\', place + 1)) {
    for (const std::string_view name : {"\\boxed", "\\fbox", "\\framebox"}) {
      if (text.substr(place, name.size()) != name) continue;
      if (const std::optional<Span> box = box_at(text, place, name.size())) {
        found.push_back(*box);
        place = std::max(place, box->end - 1);
      }
      break;
    }
  }
  return found;
}

// Whether what lies between two boxes only joins them: "$ and $", ", ", "\quad\text{or}\quad".
bool joins(std::string_view between) {
  std::string bare;
  for (std::size_t place = 0; place < between.size(); ++place) {
    const char c = between[place];
    if (is_letter(c)) bare += c;
    if (is_digit(c)) return false;
  }
  for (const std::string_view word : {"quad", "quad", "text", "mbox", "and", "or"}) {
    const std::size_t found = bare.find(word);
    if (found != std::string::npos) bare.erase(found, word.size());
  }
  constexpr std::size_t kFar = 40;
  return bare.empty() && between.size() < kFar && between.find("\n\n") == std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (is_space(text.front()) || text.front() == '*' || text.front() == ':')) text.remove_prefix(1);
  while (!text.empty() && (is_space(text.back()) || text.back() == '*')) text.remove_suffix(1);
  return text;
}

// Up to the end of the sentence or line: a full stop that no digit follows and that stands in no formula.
std::string_view sentence(std::string_view text) {
  bool formula = false;
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char c = text[place];
    if (c == '$') formula = !formula;
    const bool stop =
        c == '.' && !formula && (place + 1 == text.size() || is_space(text[place + 1]) || text[place + 1] == '*');
    if (c == '\n' || stop) return text.substr(0, place);
  }
  return text;
}

std::optional<std::string_view> after_phrase(std::string_view text) {
  const std::string small = lower(text);
  std::size_t after = 0;
  for (const std::string_view phrase :
       {"answer is", "answer:", "answers are", "answer is:", "answer**:", "answer = "}) {
    const std::size_t found = small.rfind(phrase);
    if (found != std::string::npos) after = std::max(after, found + phrase.size());
  }
  if (after == 0) return std::nullopt;
  std::string_view rest = trimmed(text.substr(after));
  const std::string_view found = trimmed(sentence(rest));
  if (found.empty()) return std::nullopt;
  return found;
}

// The last formula between signs of TeX; of an equation the part behind its last "=".
std::optional<std::string_view> last_formula(std::string_view text) {
  struct Marks {
    std::string_view open;
    std::string_view close;
  };
  std::optional<std::string_view> best;
  std::size_t best_end = 0;
  for (const Marks& marks : {Marks{"$", "$"}, Marks{"\\(", "\\)"}, Marks{"\\[", "\\]"}}) {
    const std::size_t end = text.rfind(marks.close);
    if (end == std::string_view::npos || end == 0 || end < best_end) continue;
    const std::size_t begin = text.rfind(marks.open, end - 1);
    if (begin == std::string_view::npos) continue;
    const std::size_t inside = begin + marks.open.size();
    const std::string_view formula = text.substr(inside, end - inside);
    if (trimmed(formula).empty() || formula.find("\n\n") != std::string_view::npos) continue;
    best = formula;
    best_end = end;
  }
  return best;
}

std::optional<std::string_view> last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) --end;
  if (end == 0) return std::nullopt;
  std::size_t begin = end;
  while (begin > 0 &&
         (is_digit(text[begin - 1]) || (std::string_view(".,/").find(text[begin - 1]) != std::string_view::npos &&
                                        begin > 1 && is_digit(text[begin - 2])))) {
    --begin;
  }
  if (begin > 0 && text[begin - 1] == '.') --begin;
  const bool signed_number = begin > 0 && text[begin - 1] == '-' && (begin == 1 || !is_digit(text[begin - 2]));
  if (signed_number) --begin;
  if (end < text.size() && text[end] == '%') ++end;
  return text.substr(begin, end - begin);
}

// Whether it reads like a sentence: four words of letters or more outside commands of TeX.
bool is_prose(std::string_view text) {
  std::size_t words = 0;
  for (std::size_t place = 0; place < text.size();) {
    if (!is_letter(text[place])) {
      ++place;
      continue;
    }
    std::size_t end = place;
    while (end < text.size() && is_letter(text[end])) ++end;
    const bool command = place > 0 && (text[place - 1] == '\\' || text[place - 1] == '{');
    const std::string_view word = text.substr(place, end - place);
    if (!command && word.size() > 1 && word != "pi" && word != "infinity" && !is_function_name(word)) ++words;
    place = end;
  }
  constexpr std::size_t kSentence = 4;
  return words >= kSentence;
}

}  // namespace

ExtractedAnswer extract_answer(std::string_view text) {
  const std::vector<Span> found = boxes(text);
  if (!found.empty()) {
    std::size_t first = found.size() - 1;
    while (first > 0 && joins(text.substr(found[first - 1].end, found[first].begin - found[first - 1].end))) --first;
    std::string joined;
    for (std::size_t k = first; k < found.size(); ++k) {
      joined += (joined.empty() ? "" : ", ") +
                std::string(text.substr(found[k].inside, found[k].inside_end - found[k].inside));
    }
    return {joined, AnswerPlace::box};
  }
  const std::size_t hashes = text.rfind("####");
  if (hashes != std::string_view::npos) {
    const std::string_view rest = text.substr(hashes + 4);
    return {std::string(trimmed(rest.substr(0, rest.find('\n')))), AnswerPlace::hashes};
  }
  if (const auto phrase = after_phrase(text)) {
    if (!is_prose(*phrase)) return {std::string(*phrase), AnswerPlace::phrase};
    if (const auto formula = last_formula(*phrase)) return {std::string(*formula), AnswerPlace::phrase};
    if (const auto number = last_number(*phrase)) return {std::string(*number), AnswerPlace::phrase};
    return {std::string(*phrase), AnswerPlace::phrase};
  }
  if (!is_prose(text)) return {std::string(trimmed(text)), AnswerPlace::whole};
  const auto formula = last_formula(text);
  const auto number = last_number(text);
  const bool number_later = number && formula && number->data() > formula->data() + formula->size() + 1;
  if (formula && !number_later) {
    const std::size_t equals = formula->rfind('=');
    const bool part = equals != std::string_view::npos && equals + 1 < formula->size();
    return {std::string(part ? formula->substr(equals + 1) : *formula), AnswerPlace::formula};
  }
  if (number) return {std::string(*number), AnswerPlace::number};
  return {"", AnswerPlace::nowhere};
}

char choice_letter(std::string_view text) {
  std::string bare;
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char c = text[place];
    if (c == '\\') {  // a command only changes how the letter looks
      while (place + 1 < text.size() && is_letter(text[place + 1])) ++place;
    } else if (is_space(c)) {
      if (!bare.empty()) bare += ' ';
    } else if (c != '$' && c != '{' && c != '}' && c != '*') {
      bare += c;
    }
  }
  while (!bare.empty() && bare.back() == ' ') bare.pop_back();
  std::string_view view = bare;
  const bool bracketed = !view.empty() && view.front() == '(';
  if (bracketed) view.remove_prefix(1);
  if (view.empty() || view.front() < 'A' || view.front() > 'J') return '\0';
  const char letter = view.front();
  view.remove_prefix(1);
  if (view.empty()) return bracketed ? '\0' : letter;
  if (view.front() == ')' || (!bracketed && (view.front() == '.' || view.front() == ':'))) return letter;
  return '\0';
}

}  // namespace endorm
