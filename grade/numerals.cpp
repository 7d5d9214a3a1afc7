// Numbers as they are written: decimals, repeating decimals, exponents, digits in a base.
#include <algorithm>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"

namespace endorm {

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
