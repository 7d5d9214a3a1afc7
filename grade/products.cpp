// The levels of the grammar from products down to powers, and what may stand behind a factor: units, fractions.
#include <algorithm>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

bool is_integer_literal(const Node& node) {
  return node.kind == Kind::kNumber && node.unit.empty() &&
         node.name.find_first_not_of("0123456789") == std::string::npos;
}

// A quotient of two integers that is below one: what may follow an integer in a mixed number.
bool is_proper_fraction(const Node& node) {
  if (node.kind != Kind::kQuotient || !is_integer_literal(node.children[0]) || !is_integer_literal(node.children[1])) {
    return false;
  }
  const std::string& above = node.children[0].name;
  const std::string& below = node.children[1].name;
  return above.size() < below.size() || (above.size() == below.size() && above < below);
}

bool is_power_of_ten(const Node& node) {
  const auto integer = [](const Node& exponent) {
    return is_integer_literal(exponent.kind == Kind::kNegative ? exponent.children[0] : exponent);
  };
  return node.kind == Kind::kPower && node.children[0].kind == Kind::kNumber && node.children[0].name == "10" &&
         integer(node.children[1]);
}

}  // namespace

Node AnswerParser::product() {
  const Deeper level(*this);
  Node left = power();
  if (is_label(left)) {
    return left;
  }
  for (;;) {
    if (eat_unit(left)) {
      continue;
    }
    if (eat_mixed_fraction(left)) {
      continue;
    }
    const bool times = eat("*") || eat("\\cdot") || eat("\\times") || eat("\\ast");
    const bool over = !times && (eat("/") || eat("\\div"));
    if (!times && !over && !begins_factor()) {
      return left;
    }
    if (!times && !over && left.kind == Kind::kNumber && is_digit(next())) {
      fail("two numbers stand side by side");
    }
    Node right = times || over ? signed_power() : power();
    if (over) {
      left = make(Kind::kQuotient, "", std::move(left), std::move(right));
    } else if (left.kind == Kind::kNumber && left.unit.empty() && times && is_power_of_ten(right) &&
               left.name.find_first_of("e(") == std::string::npos) {
      const Node& exponent = right.children[1];
      const bool below = exponent.kind == Kind::kNegative;
      left.name += below ? "e-" + exponent.children[0].name : "e" + exponent.name;
    } else if (left.kind == Kind::kProduct) {
      left.children.push_back(std::move(right));
    } else {
      left = make(Kind::kProduct, "", std::move(left), std::move(right));
    }
  }
}

// A factor behind a written sign may have a sign of its own: 3 * -2.
Node AnswerParser::signed_power() {
  const Deeper level(*this);
  if (eat("-")) {
    return make(Kind::kNegative, "", {signed_power()});
  }
  if (eat("+")) {
    return signed_power();
  }
  return power();
}

// "1 \frac{4}{5}" and "3 1/2": an integer and a proper fraction behind it.
bool AnswerParser::eat_mixed_fraction(Node& left) {
  if (!is_integer_literal(left)) {
    return false;
  }
  const std::size_t before = place_;
  const std::size_t nodes = nodes_;
  Node fraction;
  if (command_ahead() == "frac") {
    fraction = atom();
  } else if (is_digit(next())) {
    Node above = number();
    if (!eat("/") || !is_digit(next())) {
      place_ = before;
      nodes_ = nodes;
      return false;
    }
    fraction = make(Kind::kQuotient, "", std::move(above), number());
  }
  if (!is_proper_fraction(fraction)) {
    place_ = before;
    nodes_ = nodes;
    return false;
  }
  left = make(Kind::kSum, "", std::move(left), std::move(fraction));
  return true;
}

Node AnswerParser::power() {
  const Deeper level(*this);
  Node base = atom();
  constexpr int kMostSigns = 8;  // each makes the tree one level deeper
  for (int signs = 0;; ++signs) {
    if (signs > kMostSigns) {
      fail("more than " + std::to_string(kMostSigns) + " signs stand behind one operand");
    }
    const std::size_t before = place_;
    if (sees("!=")) {
      return base;
    }
    if (eat("!")) {
      base = make(Kind::kFactorial, "", {std::move(base)});
    } else if (eat("%")) {
      base = make(Kind::kPercent, "", {std::move(base)});
    } else if (eat("^\\circ") || eat("^{\\circ}") || eat("^{ \\circ}") || eat("^{\\circ }") || eat("^{ \\circ }")) {
      base = make(Kind::kDegrees, "", {std::move(base)});
    } else if (base.kind == Kind::kSymbol && (eat("^{\\prime}") || eat("^\\prime") || eat("'"))) {
      base.name += "'";
    } else if (base.kind == Kind::kSymbol && (eat("^{\\prime \\prime}") || eat("^{\\prime\\prime}"))) {
      base.name += "''";
    } else if (eat("^")) {
      base = make(Kind::kPower, "", std::move(base), exponent());
    } else {
      place_ = before;
      return base;
    }
  }
}

// What follows "^": powers of powers go from right to left.
Node AnswerParser::exponent() {
  const Deeper level(*this);
  Node base = sees("-") || sees("+") ? signed_power() : tex_argument();
  if (!sees("^") || sees("^\\circ") || sees("^{\\circ}")) {
    return base;
  }
  eat("^");
  return make(Kind::kPower, "", std::move(base), exponent());
}

// Whether what comes begins a factor of an unwritten product.
bool AnswerParser::begins_factor() {
  const char c = next();
  if (is_digit(c) || c == '(' || c == '{' || c == '[' || c == '.') {
    return true;
  }
  if (c == '|') {
    return bars_ == 0;
  }
  if (is_letter(c)) {
    const std::string_view letters = letters_ahead();
    return letters != "and" && letters != "or" && letters != "U" && !condition_ahead();
  }
  if (c != '\\') {
    return false;
  }
  if (sees("\\{")) {
    return true;
  }
  const std::string_view command = command_ahead();
  return !command.empty() && command != "text" && !is_operator(command);
}

std::string AnswerParser::unit_power() {
  if (!eat("^")) {
    return "";
  }
  const bool braced = eat("{");
  std::string power = eat("-") ? "^-" : "^";
  while (is_digit(next())) {
    power += text_[place_++];
  }
  if (braced) {
    eat("}");
  }
  return power;
}

// A unit behind what was read: \text{ cm}^2, "dollars", "miles per hour". It goes into the node.
bool AnswerParser::eat_unit(Node& node) {
  const std::size_t before = place_;
  std::string unit;
  if (digits_of_base_ahead() > 0 || condition_ahead()) {
    return false;
  }
  if (command_ahead() == "text") {
    place_ += 5;
    unit = without_spaces(braced_text());
    if (is_separator(unit)) {
      place_ = before;
      return false;
    }
  } else {
    const std::string_view letters = letters_ahead();
    constexpr std::size_t kWord = 4;
    const bool word =
        letters.size() >= kWord && letters != "sqrt" && !is_function_name(letters) && letters != "infinity";
    if (!word && !is_unit_name(letters)) {
      return false;
    }
    if (is_function_name(letters)) {
      return false;
    }
    unit = letters;
    place_ += letters.size();
  }
  if (unit.empty()) {
    return true;
  }
  if (unit == "degree" || unit == "degrees" || unit == "deg") {
    node = make(Kind::kDegrees, "", {std::move(node)});
    return true;
  }
  if (unit == "percent") {
    node = make(Kind::kPercent, "", {std::move(node)});
    return true;
  }
  unit += unit_power();
  node.unit += unit;
  eat(".");
  return true;
}

}  // namespace endorm
