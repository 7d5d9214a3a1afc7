// What opens and must close: brackets, sets, bars, matrices; functions and TeX commands with their arguments.
#include <cstdint>
#include <utility>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

// How many operands a function may have, the base of a logarithm among them.
std::size_t most_operands(std::string_view name) {
  if (name == "max" || name == "min" || name == "gcd" || name == "lcm") {
    return SIZE_MAX;
  }
  return name == "log" || name == "ln" ? 2 : 1;
}

}  // namespace

// A list between brackets, where so many bars are open.
Node AnswerParser::list_within(int bars) {
  const int around = std::exchange(bars_, bars);
  Node inside = list();
  bars_ = around;
  return inside;
}

std::vector<Node> AnswerParser::elements_of(Node list) {
  return list.kind == Kind::kList ? std::move(list.children) : std::vector<Node>{std::move(list)};
}

// A bracket with one element only groups; with several it is a tuple, or an interval: the brackets may differ.
Node AnswerParser::bracket(char open) {
  ++place_;
  if (eat(")") || eat("]")) {
    return make(Kind::kTuple, "()");
  }
  Node inside = list_within(0);
  const char close = next();
  if (close != ')' && close != ']') {
    fail(std::string("the bracket \"") + open + "\" is not closed");
  }
  ++place_;
  const bool group = inside.kind != Kind::kList;
  if (group && (open == '(') == (close == ')')) {
    // "(x + 1)" is x + 1, but a sign in front of it belongs to the whole.
    return inside;
  }
  if (group) {
    fail("an interval has one end only");
  }
  return make(Kind::kTuple, std::string{open, close}, std::move(inside.children));
}

// "\{1, 2\}"; with a bar or colon, the condition behind it is the set: "\{x | x > 2\}".
Node AnswerParser::set() {
  eat("\\{");
  if (eat("\\}")) {
    return make(Kind::kSet, "");
  }
  Node inside = list_within(1);  // a bar parts, it opens nothing
  if (eat("|") || eat("\\mid") || eat(":")) {
    inside = list_within(1);
  }
  if (!eat("\\}") && !eat("}") && !at_end()) {
    fail("a set is not closed");
  }
  if (inside.kind == Kind::kRelation) {
    return inside;
  }
  return make(Kind::kSet, "", elements_of(std::move(inside)));
}

Node AnswerParser::between_bars() {
  eat("|");
  ++bars_;
  Node inside = sum();
  --bars_;
  if (!eat("|")) {
    fail("a bar is not closed");
  }
  return make(Kind::kFunction, "abs", {std::move(inside)});
}

Node AnswerParser::rounded(const std::string& name, std::string_view close) {
  Node inside = sum();
  if (!eat(close)) {
    fail("\\l" + name + " is not closed");
  }
  return make(Kind::kFunction, name, {std::move(inside)});
}

// Rows parted by \\ and cells by &.
Node AnswerParser::matrix() {
  std::string name = braced_text();
  if (name == "array") {
    braced_text();  // how its columns stand
  } else if (name != "pmatrix" && name != "bmatrix" && name != "matrix" && name != "smallmatrix" && name != "Bmatrix") {
    fail("an environment \"" + name + "\" is not read");
  }
  std::vector<Node> rows;
  std::vector<Node> cells;
  for (;;) {
    cells.push_back(sum());
    if (eat("&")) {
      continue;
    }
    rows.push_back(make(Kind::kTuple, "()", std::move(cells)));
    cells.clear();
    const bool more = eat("\\\\");
    if (!sees("\\end") && more) {
      continue;
    }
    if (!eat("\\end")) {
      fail("a matrix is not closed");
    }
    braced_text();
    return make(Kind::kMatrix, "", std::move(rows));
  }
}

Node AnswerParser::root() {
  if (!eat("[")) {
    return make(Kind::kFunction, "sqrt", {tex_argument()});
  }
  Node index = sum();
  if (!eat("]")) {
    fail("the index of a root is not closed");
  }
  return make(Kind::kFunction, "root", std::move(index), tex_argument());
}

// What TeX takes as an argument: a group in braces, one digit, one letter or one command. Braces that are still open at
// the end are closed there, as models forget them.
Node AnswerParser::tex_argument() {
  const Deeper level(*this);
  const char c = next();
  if (c == '{') {
    ++place_;
    if (eat("}")) {
      fail("braces are empty");
    }
    Node inside = list_within(0);
    if (!eat("}") && !at_end()) {
      fail("a brace is not closed");
    }
    return inside.kind == Kind::kList ? make(Kind::kSet, "", std::move(inside.children)) : std::move(inside);
  }
  if (is_digit(c)) {
    const bool plain_power = place_ > 0 && text_[place_ - 1] == '^';
    if (plain_power) {
      return number();  // "x^10" as plain text has it
    }
    return make(Kind::kNumber, std::string(1, text_[place_++]));
  }
  return atom();
}

// A function behind its name: an exponent of its own, a base for logarithms, then its operand.
Node AnswerParser::function(const std::string& name) {
  const Deeper level(*this);
  std::string called = name;
  Node exponent;
  bool raised = false;
  std::vector<Node> operands;
  const bool logarithm = called == "log" || called == "ln";
  if (called == "exp") {
    Node base = make(Kind::kConstant, "e");
    return make(Kind::kPower, "", std::move(base), argument());
  }
  if (logarithm && eat("_")) {
    operands.push_back(tex_argument());
  }
  if (eat("^{-1}") || eat("^{- 1}") || eat("^-1")) {
    called = std::string(function_name(called + "^-1"));
  } else if (eat("^")) {
    exponent = tex_argument();
    raised = true;
  }
  if (logarithm && operands.empty() && eat("_")) {
    operands.push_back(tex_argument());
  }
  Node operand = argument();
  if (operand.kind == Kind::kTuple) {
    operands = std::move(operand.children);
  } else {
    operands.push_back(std::move(operand));
  }
  if (operands.empty() || operands.size() > most_operands(called)) {
    fail(called + " has " + std::to_string(operands.size()) + " operands");
  }
  if (called == "lg") {
    called = "log10";
  }
  Node node = make(Kind::kFunction, called, std::move(operands));
  return raised ? make(Kind::kPower, "", std::move(node), std::move(exponent)) : std::move(node);
}

// The operand of a function: a bracket, or the factors up to a sign or another function: \sin 2 \pi t.
Node AnswerParser::argument() {
  const char c = next();
  if (c == '(' || c == '[' || c == '{' || c == '|') {
    return c == '{' ? tex_argument() : atom();
  }
  if (c == '-') {
    return signed_power();
  }
  std::vector<Node> factors{power()};
  while (begins_factor() && next() != '(' && next() != '[' && !is_function_name(command_ahead()) &&
         !(letters_ahead().size() > 1)) {
    factors.push_back(power());
  }
  return factors.size() == 1 ? std::move(factors[0]) : make(Kind::kProduct, "", std::move(factors));
}

}  // namespace endorm
