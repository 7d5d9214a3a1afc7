// The levels of the grammar from the whole answer down to powers.
#include <algorithm>
#include <iterator>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

bool is_integer_literal(const Node& node) {
  return node.kind == Kind::number && node.unit.empty() &&
         node.name.find_first_not_of("0123456789") == std::string::npos;
}

// A quotient of two integers that is below one: what may follow an integer in a mixed number.
bool is_proper_fraction(const Node& node) {
  if (node.kind != Kind::quotient || !is_integer_literal(node.children[0]) || !is_integer_literal(node.children[1])) {
    return false;
  }
  const std::string& above = node.children[0].name;
  const std::string& below = node.children[1].name;
  return above.size() < below.size() || (above.size() == below.size() && above < below);
}

std::string without_spaces(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (!is_space(c)) result += c;
  }
  return result;
}

// Whether words, written without spaces, only part the elements of a list.
bool is_separator(std::string_view word) {
  return word == "and" || word == "or" || word == ",and" || word == ",or" || word == ",";
}

// "\text{Maximum: }", the name of what follows.
bool is_label(const Node& node) { return node.kind == Kind::text && node.name.ends_with(':'); }

// "k \in \mathbb{Z}" behind other elements: k is a parameter of theirs.
bool says_integer(const Node& node) {
  return node.kind == Kind::relation && node.name == ":" && node.children[1].kind == Kind::symbol &&
         node.children[1].name == "Z";
}

bool is_power_of_ten(const Node& node) {
  const auto integer = [](const Node& exponent) {
    return is_integer_literal(exponent.kind == Kind::negative ? exponent.children[0] : exponent);
  };
  return node.kind == Kind::power && node.children[0].kind == Kind::number && node.children[0].name == "10" &&
         integer(node.children[1]);
}

}  // namespace

bool AnswerParser::is_operator(std::string_view command) {
  static constexpr std::string_view kOperators[] = {
      "pm",         "mp",       "cup",   "cap",    "setminus", "backslash", "le",     "leq",   "leqslant", "ge",
      "geq",        "geqslant", "lt",    "gt",     "ne",       "neq",       "approx", "equiv", "simeq",    "sim",
      "in",         "to",       "mid",   "mapsto", "end",      "right",     "lor",    "land",  "vee",      "wedge",
      "rightarrow", "rfloor",   "rceil", "rangle", "div",      "cdot",      "ast",    "times", "circ"};
  return std::find(std::begin(kOperators), std::end(kOperators), command) != std::end(kOperators);
}

Node parse_answer(std::string_view text) { return AnswerParser(text).whole(); }

Node AnswerParser::whole() {
  if (at_end()) fail("it is empty");
  Node node = list();
  if (!at_end() && !ends_with_domain())
    fail("it cannot be read from \"" + std::string(text_.substr(place_, 20)) + "\" on");
  return node;
}

// Whether the rest only says what may stand for a parameter: "\text{ for any } c", "where k is an integer". One that
// narrows the answer, as "for x > 2" does, is not passed over.
bool AnswerParser::ends_with_domain() {
  if (!condition_ahead()) return false;
  const std::string_view rest = text_.substr(place_);
  for (const std::string_view sign : {"<", ">", "=", "\\le", "\\ge", "\\lt", "\\gt", "\\ne"}) {
    if (rest.find(sign) != std::string_view::npos) return false;
  }
  return true;
}

// Whether a condition begins here: "for", "where", "with", as text or plain.
bool AnswerParser::condition_ahead() {
  const std::string_view command = command_ahead();
  if (command == "forall") return true;
  std::string_view rest = text_.substr(place_);
  if (command == "text") rest.remove_prefix(std::min(rest.find('{') + 1, rest.size()));
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == '(')) rest.remove_prefix(1);
  for (const std::string_view word : {"for", "where", "with"}) {
    if (rest.starts_with(word) && (rest.size() == word.size() || !is_letter(rest[word.size()]))) return true;
  }
  return false;
}

Node AnswerParser::list() {
  const Deeper level(*this);
  std::vector<Node> elements{relation()};
  while (eat_separator()) {
    if (at_end() || condition_ahead()) break;
    Node element = relation();
    if (!says_integer(element)) elements.push_back(std::move(element));
  }
  return elements.size() == 1 ? std::move(elements[0]) : make(Kind::list, "", std::move(elements));
}

// A comma, a semicolon, "and", "or", or several of them.
bool AnswerParser::eat_separator() {
  bool found = false;
  for (bool more = true; more; found = found || more) {
    more = eat(",") || eat(";");
    if (more) continue;
    const std::size_t before = place_;
    const std::string_view command = command_ahead();
    if (command == "text") {
      place_ += 5;
      more = is_separator(without_spaces(braced_text()));
    } else if (command == "lor" || command == "land" || command == "vee" || command == "wedge") {
      place_ += 1 + command.size();
      more = true;
    } else {
      const std::string_view letters = letters_ahead();
      more = letters == "and" || letters == "or";
      if (more) place_ += letters.size();
    }
    if (!more) place_ = before;
  }
  return found;
}

// The sign of a relation as Kind::relation names it; 0 where there is none.
char AnswerParser::eat_relation_sign() {
  struct Sign {
    std::string_view text;
    char name;
  };
  static constexpr Sign kPlain[] = {{"<=", 'l'}, {">=", 'g'}, {"!=", '!'}, {"==", '='},
                                    {":=", '='}, {"=", '='},  {"<", '<'},  {">", '>'}};
  static constexpr Sign kCommands[] = {
      {"le", 'l'},       {"leq", 'l'}, {"leqslant", 'l'}, {"ge", 'g'},  {"geq", 'g'},    {"lt", '<'},
      {"geqslant", 'g'}, {"gt", '>'},  {"ne", '!'},       {"neq", '!'}, {"approx", '='}, {"equiv", '='},
      {"simeq", '='},    {"in", ':'},  {"sim", '='},      {"to", '='},  {"mapsto", '='}, {"rightarrow", '='}};
  for (const Sign& sign : kPlain) {
    if (eat(sign.text)) return sign.name;
  }
  const std::string_view command = command_ahead();
  for (const Sign& sign : kCommands) {
    if (command == sign.text) {
      place_ += 1 + command.size();
      return sign.name;
    }
  }
  return '\0';
}

Node AnswerParser::relation() {
  const Deeper level(*this);
  std::vector<Node> operands;
  std::string signs;
  const char unary = eat_relation_sign();  // "= 5", as models begin
  if (unary != '\0' && unary != '=') fail("it begins with a relation");
  operands.push_back(union_of());
  if (is_label(operands[0]) || (operands[0].kind == Kind::text && eat(":"))) {  // "Maximum: 5"
    if (is_label(operands[0])) operands[0].name.pop_back();
    operands.push_back(union_of());
    return make(Kind::relation, "=", std::move(operands));
  }
  while (eat(":")) operands.push_back(union_of());
  if (operands.size() > 1) return make(Kind::ratio, "", std::move(operands));
  while (const char sign = eat_relation_sign()) {
    signs += sign;
    operands.push_back(union_of());
  }
  if (signs.empty()) return std::move(operands[0]);
  if (signs.find_first_not_of('=') == std::string::npos && operands.size() > 2) {
    operands = {std::move(operands.front()), std::move(operands.back())};
    signs = "=";
  }
  return make(Kind::relation, signs, std::move(operands));
}

Node AnswerParser::union_of() {
  const Deeper level(*this);
  Node left = sum();
  for (;;) {
    const std::string_view command = command_ahead();
    const bool both = command == "cup";
    if (!both && command != "setminus" && command != "backslash") {
      const std::string_view letters = letters_ahead();
      const bool plain = letters == "U" && (left.kind == Kind::tuple || left.kind == Kind::union_of);
      if (!plain) return left;
      place_ += 1;
    } else {
      place_ += 1 + command.size();
    }
    Node right = sum();
    const Kind kind = both || command.empty() ? Kind::union_of : Kind::difference;
    if (left.kind == kind && kind == Kind::union_of) {
      left.children.push_back(std::move(right));
    } else {
      std::vector<Node> parts;
      parts.push_back(std::move(left));
      parts.push_back(std::move(right));
      left = make(kind, "", std::move(parts));
    }
  }
}

Node AnswerParser::sum() {
  const Deeper level(*this);
  std::vector<Node> terms;
  for (;;) {
    skip_spaces();
    const std::size_t before = place_;
    const bool plus_minus = eat("\\pm") || eat("+-") || eat("+/-");
    const bool minus_plus = !plus_minus && eat("\\mp");
    const bool minus = !plus_minus && !minus_plus && eat("-");
    if (!plus_minus && !minus_plus && !minus) eat("+");
    if (!terms.empty() && place_ == before) break;
    Node term = product();
    if (plus_minus || minus_plus) {
      term = make(Kind::plus_minus, plus_minus ? "+-" : "-+", {std::move(term)});
    } else if (minus) {
      term = make(Kind::negative, "", {std::move(term)});
    }
    terms.push_back(std::move(term));
  }
  return terms.size() == 1 ? std::move(terms[0]) : make(Kind::sum, "", std::move(terms));
}

Node AnswerParser::product() {
  const Deeper level(*this);
  Node left = power();
  if (is_label(left)) return left;
  for (;;) {
    if (eat_unit(left)) continue;
    if (eat_mixed_fraction(left)) continue;
    const bool times = eat("*") || eat("\\cdot") || eat("\\times") || eat("\\ast");
    const bool over = !times && (eat("/") || eat("\\div"));
    if (!times && !over && !begins_factor()) return left;
    if (!times && !over && left.kind == Kind::number && is_digit(next())) {
      fail("two numbers stand side by side");
    }
    Node right = times || over ? signed_power() : power();
    if (over) {
      std::vector<Node> parts;
      parts.push_back(std::move(left));
      parts.push_back(std::move(right));
      left = make(Kind::quotient, "", std::move(parts));
    } else if (left.kind == Kind::number && left.unit.empty() && times && is_power_of_ten(right) &&
               left.name.find_first_of("e(") == std::string::npos) {
      const Node& exponent = right.children[1];
      const bool below = exponent.kind == Kind::negative;
      left.name += below ? "e-" + exponent.children[0].name : "e" + exponent.name;
    } else if (left.kind == Kind::product) {
      left.children.push_back(std::move(right));
    } else {
      std::vector<Node> factors;
      factors.push_back(std::move(left));
      factors.push_back(std::move(right));
      left = make(Kind::product, "", std::move(factors));
    }
  }
}

// A factor behind a written sign may have a sign of its own: 3 * -2.
Node AnswerParser::signed_power() {
  const Deeper level(*this);
  if (eat("-")) return make(Kind::negative, "", {signed_power()});
  if (eat("+")) return signed_power();
  return power();
}

// "1 \frac{4}{5}" and "3 1/2": an integer and a proper fraction behind it.
bool AnswerParser::eat_mixed_fraction(Node& left) {
  if (!is_integer_literal(left)) return false;
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
    Node below = number();
    std::vector<Node> parts;
    parts.push_back(std::move(above));
    parts.push_back(std::move(below));
    fraction = make(Kind::quotient, "", std::move(parts));
  }
  if (!is_proper_fraction(fraction)) {
    place_ = before;
    nodes_ = nodes;
    return false;
  }
  std::vector<Node> terms;
  terms.push_back(std::move(left));
  terms.push_back(std::move(fraction));
  left = make(Kind::sum, "", std::move(terms));
  return true;
}

Node AnswerParser::power() {
  const Deeper level(*this);
  Node base = atom();
  for (;;) {
    const std::size_t before = place_;
    if (sees("!=")) return base;
    if (eat("!")) {
      base = make(Kind::factorial, "", {std::move(base)});
    } else if (eat("%")) {
      base = make(Kind::percent, "", {std::move(base)});
    } else if (eat("^\\circ") || eat("^{\\circ}") || eat("^{ \\circ}") || eat("^{\\circ }") || eat("^{ \\circ }")) {
      base = make(Kind::degrees, "", {std::move(base)});
    } else if (base.kind == Kind::symbol && (eat("^{\\prime}") || eat("^\\prime") || eat("'"))) {
      base.name += "'";
    } else if (base.kind == Kind::symbol && (eat("^{\\prime \\prime}") || eat("^{\\prime\\prime}"))) {
      base.name += "''";
    } else if (eat("^")) {
      std::vector<Node> parts;
      parts.push_back(std::move(base));
      parts.push_back(exponent());
      base = make(Kind::power, "", std::move(parts));
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
  if (!sees("^") || sees("^\\circ") || sees("^{\\circ}")) return base;
  eat("^");
  std::vector<Node> parts;
  parts.push_back(std::move(base));
  parts.push_back(exponent());
  return make(Kind::power, "", std::move(parts));
}

// Whether what comes begins a factor of an unwritten product.
bool AnswerParser::begins_factor() {
  const char c = next();
  if (is_digit(c) || c == '(' || c == '{' || c == '[' || c == '.') return true;
  if (c == '|') return bars_ == 0;
  if (is_letter(c)) {
    const std::string_view letters = letters_ahead();
    return letters != "and" && letters != "or" && letters != "U" && !condition_ahead();
  }
  if (c != '\\') return false;
  if (sees("\\{")) return true;
  const std::string_view command = command_ahead();
  return !command.empty() && command != "text" && !is_operator(command);
}

std::string AnswerParser::unit_power() {
  if (!eat("^")) return "";
  const bool braced = eat("{");
  std::string power = eat("-") ? "^-" : "^";
  while (is_digit(next())) power += text_[place_++];
  if (braced) eat("}");
  return power;
}

// A unit behind what was read: \text{ cm}^2, "dollars", "miles per hour". It goes into the node.
bool AnswerParser::eat_unit(Node& node) {
  const std::size_t before = place_;
  std::string unit;
  if (digits_of_base_ahead() > 0 || condition_ahead()) return false;
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
    if (!word && !is_unit_name(letters)) return false;
    if (is_function_name(letters)) return false;
    unit = letters;
    place_ += letters.size();
  }
  if (unit.empty()) return true;
  if (unit == "degree" || unit == "degrees" || unit == "deg") {
    node = make(Kind::degrees, "", {std::move(node)});
    return true;
  }
  if (unit == "percent") {
    node = make(Kind::percent, "", {std::move(node)});
    return true;
  }
  unit += unit_power();
  node.unit += unit;
  eat(".");
  return true;
}

}  // namespace endorm
