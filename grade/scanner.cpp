// How a parser moves over its text, and numbers as they are written: decimals, repeating decimals, exponents, digits in
// a base.
#include <algorithm>

#include "core/trimmed.h"
#include "grade/answer_parser.h"
#include "grade/answer_text.h"

namespace endorm {

void AnswerParser::skip_spaces() {
  while (place_ < text_.size() && is_space(text_[place_])) {
    ++place_;
  }
}

bool AnswerParser::at_end() {
  skip_spaces();
  return place_ == text_.size();
}

char AnswerParser::next() { return at_end() ? '\0' : text_[place_]; }

// Whether `sign` comes next; a sign that ends in a letter must end a word there.
bool AnswerParser::sees(std::string_view sign) {
  skip_spaces();
  if (text_.substr(place_, sign.size()) != sign) {
    return false;
  }
  const std::size_t end = place_ + sign.size();
  return !is_letter(sign.back()) || end == text_.size() || !is_letter(text_[end]);
}

bool AnswerParser::eat(std::string_view sign) {
  if (!sees(sign)) {
    return false;
  }
  place_ += sign.size();
  return true;
}

// The letters at the place, behind spaces: "" where none is there.
std::string_view AnswerParser::letters_ahead() const {
  std::size_t begin = place_;
  while (begin < text_.size() && is_space(text_[begin])) {
    ++begin;
  }
  return letters_at(text_, begin);
}

// The name of the TeX command at the place; "" where none is there.
std::string_view AnswerParser::command_ahead() {
  if (next() != '\\') {
    return "";
  }
  return letters_at(text_, place_ + 1);
}

// The text of the braces that open at the place, without white space at its ends.
std::string AnswerParser::braced_text() {
  if (next() != '{') {
    fail("a TeX command lacks its argument");
  }
  const std::size_t begin = ++place_;
  int open = 1;
  while (place_ < text_.size() && open > 0) {
    const char c = text_[place_++];
    open += c == '{' ? 1 : c == '}' ? -1 : 0;
  }
  return std::string(trimmed(text_.substr(begin, place_ - begin - (open == 0 ? 1 : 0))));
}

void AnswerParser::fail(const std::string& reason) const { throw Unreadable{reason}; }

Node AnswerParser::make(Kind kind, std::string name, std::vector<Node> children) {
  constexpr std::size_t kMost = 2000;
  if (++nodes_ > kMost) {
    fail("it has more than " + std::to_string(kMost) + " parts");
  }
  return Node{kind, std::move(name), std::move(children), {}};
}

Node AnswerParser::make(Kind kind, std::string name, Node first, Node second) {
  Node node = make(kind, std::move(name));
  node.children.push_back(std::move(first));
  node.children.push_back(std::move(second));
  return node;
}

// Digits with a point, a repeating part under a bar, and an exponent: "4.5e33".
Node AnswerParser::number() {
  std::string literal;
  const auto take_digits = [&] {
    while (place_ < text_.size() && is_digit(text_[place_])) {
      literal += text_[place_++];
    }
  };
  skip_spaces();
  take_digits();
  const bool point = place_ < text_.size() && text_[place_] == '.';
  if (point) {
    ++place_;
    literal += '.';
    take_digits();
    if (literal == ".") {
      fail("a point stands without digits");
    }
    if (eat("\\overline") || eat("\\bar")) {
      const std::string repeated = braced_text();
      if (repeated.empty() || !std::all_of(repeated.begin(), repeated.end(), is_digit)) {
        fail("no digits repeat");
      }
      return make(Kind::kNumber, literal + "(" + repeated + ")");
    }
  }
  const auto digit_at = [&](std::size_t place) { return place < text_.size() && is_digit(text_[place]); };
  if (place_ < text_.size() && (text_[place_] == 'e' || text_[place_] == 'E')) {
    const bool sign = place_ + 1 < text_.size() && (text_[place_ + 1] == '-' || text_[place_ + 1] == '+');
    if (digit_at(place_ + 1 + (sign ? 1 : 0))) {
      literal += 'e';
      if (sign && text_[place_ + 1] == '-') {
        literal += '-';
      }
      place_ += sign ? 2 : 1;
      take_digits();
    }
  }
  if (literal.back() == '.') {
    literal.pop_back();
  }
  constexpr std::size_t kLongest = 1500;
  if (literal.size() > kLongest) {
    fail("a number has more than " + std::to_string(kLongest) + " digits");
  }
  Node node = make(Kind::kNumber, literal);
  return !point && place_ < text_.size() && text_[place_] == '_' ? with_base(node) : node;
}

// The number of digits of a base above ten that come next, e.g. of "2A_{16}": 0 unless a letter and a digit are among
// them and a subscript follows.
std::size_t AnswerParser::digits_of_base_ahead() {
  skip_spaces();
  std::size_t end = place_;
  bool letter = false;
  bool digit = false;
  for (; end < text_.size() && (is_digit(text_[end]) || (text_[end] >= 'A' && text_[end] <= 'F')); ++end) {
    (is_digit(text_[end]) ? digit : letter) = true;
  }
  return letter && digit && end < text_.size() && text_[end] == '_' ? end - place_ : 0;
}

// "2516_8" and "40_{9}": digits in a base.
Node AnswerParser::with_base(const Node& digits) {
  eat("_");
  const bool braced = eat("{");
  const bool worded = eat("\\text");
  const bool inner = worded && eat("{");
  std::string base;
  if (braced) {
    while (is_digit(next())) {
      base += text_[place_++];
    }
  } else if (is_digit(next())) {
    while (place_ < text_.size() && is_digit(text_[place_]) && base.size() < 2) {
      base += text_[place_++];
    }
  }
  if (inner) {
    eat("}");
  }
  if (braced) {
    eat("}");
  }
  if (base.empty()) {
    fail("a subscript of digits names no base");
  }
  return make(Kind::kBasedNumber, digits.name, {make(Kind::kNumber, base)});
}

}  // namespace endorm
