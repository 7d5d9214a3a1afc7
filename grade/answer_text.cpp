#include "grade/answer_text.h"

#include <array>
#include <cstddef>
#include <utility>

#include "core/trimmed.h"

namespace endorm {
namespace {

using Spelling = std::pair<std::string_view, std::string_view>;

// A TeX command (whole: no letter follows) or a sign, and what stands for it.
constexpr std::array kSpellings{
    Spelling{"\\left", ""},
    Spelling{"\\right", ""},
    Spelling{"\\displaystyle", ""},
    Spelling{"\\textstyle", ""},
    Spelling{"\\limits", ""},
    Spelling{"\\bigl", ""},
    Spelling{"\\bigr", ""},
    Spelling{"\\Bigl", ""},
    Spelling{"\\Bigr", ""},
    Spelling{"\\biggl", ""},
    Spelling{"\\biggr", ""},
    Spelling{"\\big", ""},
    Spelling{"\\Big", ""},
    Spelling{"\\bigg", ""},
    Spelling{"\\Bigg", ""},
    Spelling{"\\quad", " "},
    Spelling{"\\qquad", " "},
    Spelling{"\\dfrac", "\\frac"},
    Spelling{"\\tfrac", "\\frac"},
    Spelling{"\\cfrac", "\\frac"},
    Spelling{"\\dbinom", "\\binom"},
    Spelling{"\\tbinom", "\\binom"},
    Spelling{"\\mathrm", "\\text"},
    Spelling{"\\mbox", "\\text"},
    Spelling{"\\textbf", "\\text"},
    Spelling{"\\textit", "\\text"},
    Spelling{"\\textrm", "\\text"},
    Spelling{"\\textnormal", "\\text"},
    Spelling{"\\hbox", "\\text"},
    Spelling{"\\mathit", ""},
    Spelling{"\\mathbf", ""},
    Spelling{"\\mathbb", ""},
    Spelling{"\\boldsymbol", ""},
    Spelling{"\\bf", ""},
    Spelling{"\\rm", ""},
    Spelling{"\\operatorname", "\\"},
    Spelling{"\\lbrace", "\\{"},
    Spelling{"\\rbrace", "\\}"},
    Spelling{"\\lparen", "("},
    Spelling{"\\rparen", ")"},
    Spelling{"\\lbrack", "["},
    Spelling{"\\rbrack", "]"},
    Spelling{"\\vert", "|"},
    Spelling{"\\lvert", "|"},
    Spelling{"\\rvert", "|"},
    Spelling{"\\degree", "^\\circ"},
    Spelling{"\\euro", ""},
    Spelling{"\\pounds", ""},
    Spelling{"\\$", ""},
    Spelling{"$", ""},
    Spelling{"\\(", ""},
    Spelling{"\\)", ""},
    Spelling{"\\[", ""},
    Spelling{"\\]", ""},
    Spelling{"\\,", " "},
    Spelling{"\\;", " "},
    Spelling{"\\:", " "},
    Spelling{"\\!", ""},
    Spelling{"\\ ", " "},
    Spelling{"~", " "},
    Spelling{"\\%", "%"},
    Spelling{"**", "^"},
    Spelling{"np.", ""},
    Spelling{"p.m.", "pm"},
    Spelling{"a.m.", "am"},
    Spelling{"math.", ""},
    Spelling{"\u2212", "-"},
    Spelling{"\u2013", "-"},
    Spelling{"\u00d7", "\\times "},
    Spelling{"\u00b7", "\\cdot "},
    Spelling{"\u22c5", "\\cdot "},
    Spelling{"\u00f7", "/"},
    Spelling{"\u221a", "\\sqrt "},
    Spelling{"\u03c0", "\\pi "},
    Spelling{"\u221e", "\\infty "},
    Spelling{"\u00b0", "^\\circ "},
    Spelling{"\u2264", "\\le "},
    Spelling{"\u2265", "\\ge "},
    Spelling{"\u2260", "\\ne "},
    Spelling{"\u00b1", "\\pm "},
    Spelling{"\u222a", "\\cup "},
    Spelling{"\u2208", "\\in "},
    Spelling{"\u2248", "\\approx "},
    Spelling{"\u03b8", "\\theta "},
    Spelling{"\u00b2", "^2"},
    Spelling{"\u00b3", "^3"},
    Spelling{"\u00bd", "\\frac12 "},
    Spelling{"\u00bc", "\\frac14 "},
    Spelling{"\u00be", "\\frac34 "},
    Spelling{"\u20ac", ""},
    Spelling{"\u00a3", ""},
    Spelling{"\u00a0", " "},
    Spelling{"\u2009", " "},
    Spelling{"\u202f", " "},
};

const Spelling* spelling_at(std::string_view text, std::size_t place) {
  const std::string_view rest = text.substr(place);
  for (const Spelling& spelling : kSpellings) {
    const std::size_t size = spelling.first.size();
    if (rest.substr(0, size) != spelling.first) {
      continue;
    }
    const bool word = is_letter(spelling.first.back());
    if (!word || size == rest.size() || !is_letter(rest[size])) {
      return &spelling;
    }
  }
  return nullptr;
}

// The bracket that opens what `c` closes; 0 where it closes nothing.
char opener_of(char c) { return c == '}' ? '{' : c == ')' ? '(' : c == ']' ? '[' : '\0'; }

// Drops closing brackets at the end that nothing opened: "5)" and "\frac{1}{2}}". Brackets of any kind close each
// other, as half-open intervals need.
void drop_unopened_ends(std::string& text) {
  while (!text.empty() && opener_of(text.back()) != '\0' && !(text.size() > 1 && text[text.size() - 2] == '\\')) {
    const bool brace = text.back() == '}';
    int open = 0;
    for (const char c : text) {
      const bool opens = brace ? c == '{' : c == '(' || c == '[';
      const bool closes = brace ? c == '}' : c == ')' || c == ']';
      open += opens ? 1 : closes ? -1 : 0;
    }
    if (open >= 0) {
      return;
    }
    text.pop_back();
  }
}

void trim(std::string& text) { text = std::string(trimmed(text)); }

// The number of bytes of a run of groups ",ddd" at `place`; 0 where there is none or a digit follows.
std::size_t groups_at(std::string_view text, std::size_t place) {
  std::size_t size = 0;
  const auto digit = [&](std::size_t at) { return at < text.size() && is_digit(text[at]); };
  while (place + size < text.size() && text[place + size] == ',' && digit(place + size + 1) &&
         digit(place + size + 2) && digit(place + size + 3) && !digit(place + size + 4)) {
    size += 4;
  }
  return size;
}

// Whether a number of one to three digits, none of them a leading zero, ends before `place`.
bool first_group_ends_at(std::string_view text, std::size_t place) {
  std::size_t begin = place;
  while (begin > 0 && is_digit(text[begin - 1])) {
    --begin;
  }
  const bool after_part = begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == ',' || text[begin - 1] == '_');
  return place > begin && place - begin <= 3 && text[begin] != '0' && !after_part;
}

// The bytes of a sign of TeX between digits that parts thousands: "{,}", ",\!", "\,". 0 where there is none, or where
// not three digits follow it.
std::size_t thousands_sign(std::string_view rest) {
  for (const std::string_view sign : {"{,}", ",\\!", ",\\,", "\\!,\\!", "\\,"}) {
    if (rest.substr(0, sign.size()) != sign) {
      continue;
    }
    std::size_t end = sign.size();
    while (end < rest.size() && rest[end] == ' ') {
      ++end;
    }
    std::size_t digits = 0;
    while (end + digits < rest.size() && is_digit(rest[end + digits])) {
      ++digits;
    }
    return digits == 3 ? end : 0;
  }
  return 0;
}

}  // namespace

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string one_spelling(std::string_view answer) {
  std::string text;
  for (std::size_t place = 0; place < answer.size();) {
    const std::string_view rest = answer.substr(place);
    const bool after_digit = !text.empty() && is_digit(text.back());
    const std::size_t parted = after_digit ? thousands_sign(rest) : 0;
    if (parted > 0) {
      place += parted;
    } else if (rest.substr(0, 2) == "\\\\") {
      text += "\\\\";
      place += 2;
    } else if (rest.size() > 1 && rest[0] == '\\' && is_digit(rest[1])) {
      ++place;  // "\15", as models write a currency's sign
    } else if (const Spelling* spelling = spelling_at(answer, place)) {
      text += spelling->second;
      const bool command = is_letter(spelling->first.back()) && spelling->second.empty();
      if (command) {
        text += ' ';
      }
      place += spelling->first.size();
    } else {
      text += answer[place++];
    }
  }
  trim(text);
  while (!text.empty() && (text.back() == '.' || text.back() == ',' || text.back() == ';' || text.back() == ':')) {
    text.pop_back();
    trim(text);
  }
  drop_unopened_ends(text);
  trim(text);
  return text;
}

std::string without_thousands(std::string_view text) {
  std::string joined;
  for (std::size_t place = 0; place < text.size();) {
    const std::size_t size = first_group_ends_at(text, place) ? groups_at(text, place) : 0;
    for (std::size_t k = 0; k < size; ++k) {
      if (text[place + k] != ',') {
        joined += text[place + k];
      }
    }
    if (size == 0) {
      joined += text[place];
    }
    place += size == 0 ? 1 : size;
  }
  return joined;
}

}  // namespace endorm
