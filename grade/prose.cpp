#include "grade/prose.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "grade/answer_text.h"
#include "grade/boxes.h"
#include "grade/names.h"

namespace endorm {
namespace {

// Calls `take` with each word of two letters or more that is no command, no function and in no \text{}.
template <typename Take>
void each_word(std::string_view text, const Take& take) {
  for (std::size_t place = 0; place < text.size();) {
    if (!is_letter(text[place])) {
      ++place;
      continue;
    }
    const std::string_view word = letters_at(text, place);
    const std::size_t end = place + word.size();
    const bool command = place > 0 && text[place - 1] == '\\';
    const bool in_braces = place > 0 && text[place - 1] == '{';
    place = end;
    if (command && (word == "text" || word == "mbox" || word == "mathrm") && end < text.size() && text[end] == '{') {
      place = std::min(text.find('}', end), text.size());
    } else if (!command && !in_braces && word.size() > 1 && word != "pi" && word != "infinity" &&
               !is_function_name(word)) {
      take(word);
    }
  }
}

// Whether the $ in front of `inside` and the one behind it are signs of money: "15 for lunch and " $20.
bool is_money(std::string_view inside, char behind) {
  if (inside.empty() || !is_digit(inside.front())) {
    return false;
  }
  if (is_digit(behind) && !is_digit(inside.back())) {
    return true;
  }
  bool words = false;
  each_word(inside, [&](std::string_view word) {
    words = words || (word.size() > 2 && word.data() > inside.data() && is_space(*(word.data() - 1)));
  });
  return words;
}

struct Formula {
  std::size_t begin = 0;  // of its opening sign
  std::string_view inside;
  std::size_t end = 0;  // behind its closing sign
};

// The formula that opens at `place`; none where no formula does. `closers` remembers signs that never come again, so
// that the whole search stays one pass.
struct Closers {
  bool no_bracket = false;  // "\)"
  bool no_display = false;  // "\]"
};

std::optional<Formula> formula_at(std::string_view text, std::size_t place, Closers& closers) {
  const std::string_view two = text.substr(place, 2);
  if (text[place] == '$') {
    const std::size_t size = two == "$$" ? 2 : 1;
    const std::size_t close = text.find('$', place + size);
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view inside = text.substr(place + size, close - place - size);
    const std::size_t end = close + 1;
    const char behind = end < text.size() ? text[end] : ' ';
    if (without_marks(inside).empty() || inside.find("\n\n") != std::string_view::npos || is_money(inside, behind)) {
      return std::nullopt;
    }
    return Formula{place, inside, size == 2 && end < text.size() && text[end] == '$' ? end + 1 : end};
  }
  const bool bracket = two == "\\(";
  bool& never = bracket ? closers.no_bracket : closers.no_display;
  if ((!bracket && two != "\\[") || never) {
    return std::nullopt;
  }
  const std::size_t close = text.find(bracket ? "\\)" : "\\]", place + 2);
  if (close == std::string_view::npos) {
    never = true;
    return std::nullopt;
  }
  const std::string_view inside = text.substr(place + 2, close - place - 2);
  if (without_marks(inside).empty() || inside.find("\n\n") != std::string_view::npos) {
    return std::nullopt;
  }
  return Formula{place, inside, close + 2};
}

std::vector<Formula> find_formulas(std::string_view text) {
  std::vector<Formula> found;
  Closers closers;
  for (std::size_t place = text.find_first_of("$\\"); place != std::string_view::npos;
       place = text.find_first_of("$\\", place)) {
    if (text.substr(place, 2) == "\\$") {
      place += 2;
    } else if (const std::optional<Formula> formula = formula_at(text, place, closers)) {
      found.push_back(*formula);
      place = formula->end;
    } else {
      ++place;
    }
  }
  return found;
}

std::optional<std::string_view> last_number(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0 && !is_digit(text[end - 1])) {
    --end;
  }
  if (end == 0) {
    return std::nullopt;
  }
  std::size_t begin = end;
  while (begin > 0 &&
         (is_digit(text[begin - 1]) || (std::string_view(".,/").find(text[begin - 1]) != std::string_view::npos &&
                                        begin > 1 && is_digit(text[begin - 2])))) {
    --begin;
  }
  if (begin > 0 && text[begin - 1] == '.') {
    --begin;
  }
  const bool signed_number = begin > 0 && text[begin - 1] == '-' && (begin == 1 || !is_digit(text[begin - 2]));
  if (signed_number) {
    --begin;
  }
  if (end < text.size() && text[end] == '%') {
    ++end;
  }
  return text.substr(begin, end - begin);
}

// "x" of "x = 5"; empty where there is no "=".
std::string_view left_side(std::string_view formula) {
  return without_marks(formula.substr(0, formula.find('=') == std::string_view::npos ? 0 : formula.find('=')));
}

std::string_view behind_last_equals(std::string_view formula) {
  const std::size_t equals = formula.rfind('=');
  const bool equation = equals != std::string_view::npos && equals + 1 < formula.size();
  return equation ? formula.substr(equals + 1) : formula;
}

}  // namespace

bool is_prose(std::string_view text) {
  std::size_t words = 0;
  bool verb = false;
  each_word(text, [&](std::string_view word) {
    ++words;
    verb = verb || word == "is" || word == "are";
  });
  constexpr std::size_t kSentence = 4;
  return words >= kSentence || (verb && words >= 2);
}

std::string_view without_marks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n*:"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\r\n*") + 1);  // npos + 1 = 0
}

std::string_view first_sentence(std::string_view text) {
  bool dollar = false;  // between single $ signs: they may also be money, so that a line ends there all the same
  bool bracket = false;
  bool display = false;
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char c = text[place];
    const std::string_view two = text.substr(place, 2);
    if (two == "$$") {
      display = !display;
      ++place;
    } else if (two == "\\(" || two == "\\[" || two == "\\)" || two == "\\]") {
      bracket = two == "\\(" || two == "\\[";
      ++place;
    } else if (c == '$') {
      dollar = !dollar;
    } else if (!bracket && !display) {
      const bool behind = place + 1 == text.size() || is_space(text[place + 1]) || text[place + 1] == '*';
      if (c == '\n' || (c == '.' && behind && !dollar)) {
        return text.substr(0, place);
      }
    }
  }
  return text;
}

std::optional<SaidLast> said_last(std::string_view text) {
  std::vector<Formula> formulas = find_formulas(text);
  const std::optional<std::string_view> number = last_number(text);
  const std::size_t number_begin = number ? static_cast<std::size_t>(number->data() - text.data()) : 0;
  const auto letter_alone = [](const Formula& formula) { return without_marks(formula.inside).size() == 1; };
  while (!formulas.empty() && letter_alone(formulas.back()) && !is_digit(without_marks(formulas.back().inside)[0]) &&
         (number || formulas.size() > 1)) {
    formulas.pop_back();
  }
  if (formulas.empty() || (number && number_begin >= formulas.back().end)) {
    if (!number) {
      return std::nullopt;
    }
    return SaidLast{std::string(*number), false};
  }
  std::size_t first = formulas.size() - 1;
  const std::string_view name = left_side(formulas[first].inside);
  while (first > 0 && left_side(formulas[first - 1].inside) == name &&
         joins_answers(text.substr(formulas[first - 1].end, formulas[first].begin - formulas[first - 1].end))) {
    --first;
  }
  SaidLast said{"", true};
  for (std::size_t k = first; k < formulas.size(); ++k) {
    if (!said.text.empty()) {
      said.text += ", ";
    }
    said.text += behind_last_equals(formulas[k].inside);
  }
  return said;
}

}  // namespace endorm
