#include "grade/answer_text.h"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>

#include "core/trimmed.h"

namespace endorm {
namespace {

struct Spelling {
  std::string_view instead;
  std::initializer_list<std::string_view> written;
};

// What stands for TeX commands (whole: no letter follows) and signs.
const Spelling kSpellings[] = {
    {"", {"\\left", "\\right", "\\displaystyle", "\\textstyle", "\\limits"}},
    {"", {"\\big", "\\bigl", "\\bigr", "\\Big", "\\Bigl", "\\Bigr"}},
    {"", {"\\bigg", "\\biggl", "\\biggr", "\\Bigg"}},
    {"", {"\\mathit", "\\mathbf", "\\mathbb", "\\boldsymbol", "\\bf", "\\rm"}},
    {"", {"$", "\\$", "\\euro", "\\pounds", "\u20ac", "\u00a3"}},
    {"", {"\\(", "\\)", "\\[", "\\]", "\\!"}},
    {"", {"np.", "math."}},
    {" ", {"\\quad", "\\qquad", "\\,", "\\;", "\\:", "\\ ", "~", "\u00a0", "\u2009", "\u202f"}},
    {"\\frac", {"\\dfrac", "\\tfrac", "\\cfrac"}},
    {"\\binom", {"\\dbinom", "\\tbinom"}},
    {"\\text", {"\\mathrm", "\\mbox", "\\textbf", "\\textit", "\\textrm", "\\textnormal", "\\hbox"}},
    {"\\", {"\\operatorname"}},
    {"\\{", {"\\lbrace"}},
    {"\\}", {"\\rbrace"}},
    {"(", {"\\lparen"}},
    {")", {"\\rparen"}},
    {"[", {"\\lbrack"}},
    {"]", {"\\rbrack"}},
    {"|", {"\\vert", "\\lvert", "\\rvert"}},
    {"^\\circ", {"\\degree"}},
    {"%", {"\\%"}},
    {"^", {"**"}},
    {"pm", {"p.m."}},
    {"am", {"a.m."}},
    {"-", {"\u2212", "\u2013"}},
    {"\\times ", {"\u00d7"}},
    {"\\cdot ", {"\u00b7", "\u22c5"}},
    {"/", {"\u00f7"}},
    {"\\sqrt ", {"\u221a"}},
    {"\\pi ", {"\u03c0"}},
    {"\\infty ", {"\u221e"}},
    {"^\\circ ", {"\u00b0"}},
    {"\\le ", {"\u2264"}},
    {"\\ge ", {"\u2265"}},
    {"\\ne ", {"\u2260"}},
    {"\\pm ", {"\u00b1"}},
    {"\\cup ", {"\u222a"}},
    {"\\in ", {"\u2208"}},
    {"\\approx ", {"\u2248"}},
    {"\\theta ", {"\u03b8"}},
    {"^2", {"\u00b2"}},
    {"^3", {"\u00b3"}},
    {"\\frac12 ", {"\u00bd"}},
    {"\\frac14 ", {"\u00bc"}},
    {"\\frac34 ", {"\u00be"}},
};

// What stands for the command or sign that a text begins with, and how many bytes that has.
std::optional<std::pair<std::string_view, std::size_t>> spelling_at(std::string_view text) {
  const auto begins = [&](std::string_view spelling) {
    const std::size_t size = spelling.size();
    return text.starts_with(spelling) && (!is_letter(spelling.back()) || size == text.size() || !is_letter(text[size]));
  };
  for (const auto& [instead, written] : kSpellings) {
    if (const auto* const found = std::find_if(written.begin(), written.end(), begins); found != written.end()) {
      return std::pair(instead.empty() && is_letter(found->back()) ? " " : instead, found->size());
    }
  }
  return std::nullopt;
}

// Drops closing brackets at the end that nothing opened: "5)" and "\frac{1}{2}}". Brackets of any kind close each
// other, as half-open intervals need.
void drop_unopened_ends(std::string& text) {
  while (!text.empty() && std::string_view("})]").find(text.back()) != std::string_view::npos &&
         !(text.size() > 1 && text[text.size() - 2] == '\\')) {
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

std::string_view letters_at(std::string_view text, std::size_t place) {
  const std::string_view rest = text.substr(place);
  return rest.substr(0, static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_letter) - rest.begin()));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

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
    } else if (const auto spelling = spelling_at(rest)) {
      const auto [instead, size] = *spelling;
      text += instead;
      place += size;
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
