// The levels of the grammar from the whole answer down to sums.
#include <algorithm>
#include <iterator>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

// "k \in \mathbb{Z}" behind other elements: k is a parameter of theirs.
bool says_integer(const Node& node) {
  return node.kind == Kind::kRelation && node.name == ":" && node.children[1].kind == Kind::kSymbol &&
         node.children[1].name == "Z";
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

std::string AnswerParser::without_spaces(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (!is_space(c)) {
      result += c;
    }
  }
  return result;
}

// Whether words, written without spaces, only part the elements of a list.
bool AnswerParser::is_separator(std::string_view word) {
  return word == "and" || word == "or" || word == ",and" || word == ",or" || word == ",";
}

// "\text{Maximum: }", the name of what follows.
bool AnswerParser::is_label(const Node& node) { return node.kind == Kind::kText && node.name.ends_with(':'); }

Node parse_answer(std::string_view text) { return AnswerParser(text).whole(); }

Node AnswerParser::whole() {
  if (at_end()) {
    fail("it is empty");
  }
  Node node = list();
  if (!at_end() && !ends_with_domain()) {
    fail("it cannot be read from \"" + std::string(text_.substr(place_, 20)) + "\" on");
  }
  return node;
}

// Whether the rest only says what may stand for a parameter: "\text{ for any } c", "where k is an integer". One that
// narrows the answer, as "for x > 2" does, is not passed over.
bool AnswerParser::ends_with_domain() {
  if (!condition_ahead()) {
    return false;
  }
  const std::string_view rest = text_.substr(place_);
  if (rest.substr(0, 12).find("where") != std::string_view::npos) {
    return true;
  }
  for (const std::string_view sign : {"<", ">", "=", "\\le", "\\ge", "\\lt", "\\gt", "\\ne"}) {
    if (rest.find(sign) != std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// Whether a condition begins here: "for", "where", "with", as text or plain.
bool AnswerParser::condition_ahead() {
  const std::string_view command = command_ahead();
  if (command == "forall") {
    return true;
  }
  std::string_view rest = text_.substr(place_);
  if (command == "text") {
    rest.remove_prefix(std::min(rest.find('{') + 1, rest.size()));
  }
  while (!rest.empty() && (is_space(rest.front()) || rest.front() == '(')) {
    rest.remove_prefix(1);
  }
  for (const std::string_view word : {"for", "where", "with"}) {
    if (rest.starts_with(word) && (rest.size() == word.size() || !is_letter(rest[word.size()]))) {
      return true;
    }
  }
  return false;
}

Node AnswerParser::list() {
  const Deeper level(*this);
  std::vector<Node> elements{relation()};
  while (eat_separator()) {
    if (at_end() || condition_ahead()) {
      break;
    }
    Node element = relation();
    if (!says_integer(element)) {
      elements.push_back(std::move(element));
    }
  }
  return elements.size() == 1 ? std::move(elements[0]) : make(Kind::kList, "", std::move(elements));
}

// A comma, a semicolon, "and", "or", or several of them.
bool AnswerParser::eat_separator() {
  bool found = false;
  for (bool more = true; more; found = found || more) {
    more = eat(",") || eat(";");
    if (more) {
      continue;
    }
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
      if (more) {
        place_ += letters.size();
      }
    }
    if (!more) {
      place_ = before;
    }
  }
  return found;
}

// The sign of a relation as Kind::kRelation names it; 0 where there is none.
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
    if (eat(sign.text)) {
      return sign.name;
    }
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
  if (unary != '\0' && unary != '=') {
    fail("it begins with a relation");
  }
  operands.push_back(union_of());
  if (is_label(operands[0]) || (operands[0].kind == Kind::kText && eat(":"))) {  // "Maximum: 5"
    if (is_label(operands[0])) {
      operands[0].name.pop_back();
    }
    operands.push_back(union_of());
    return make(Kind::kRelation, "=", std::move(operands));
  }
  while (eat(":")) {
    operands.push_back(union_of());
  }
  if (operands.size() > 1) {
    return make(Kind::kRatio, "", std::move(operands));
  }
  while (const char sign = eat_relation_sign()) {
    signs += sign;
    operands.push_back(union_of());
  }
  if (signs.empty()) {
    return std::move(operands[0]);
  }
  if (signs.find_first_not_of('=') == std::string::npos && operands.size() > 2) {
    operands = {std::move(operands.front()), std::move(operands.back())};
    signs = "=";
  }
  return make(Kind::kRelation, signs, std::move(operands));
}

Node AnswerParser::union_of() {
  const Deeper level(*this);
  Node left = sum();
  for (;;) {
    const std::string_view command = command_ahead();
    const bool both = command == "cup";
    if (!both && command != "setminus" && command != "backslash") {
      const std::string_view letters = letters_ahead();
      const bool plain = letters == "U" && (left.kind == Kind::kTuple || left.kind == Kind::kUnionOf);
      if (!plain) {
        return left;
      }
      place_ += 1;
    } else {
      place_ += 1 + command.size();
    }
    Node right = sum();
    const Kind kind = both || command.empty() ? Kind::kUnionOf : Kind::kDifference;
    if (left.kind == kind && kind == Kind::kUnionOf) {
      left.children.push_back(std::move(right));
    } else {
      left = make(kind, "", std::move(left), std::move(right));
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
    if (!plus_minus && !minus_plus && !minus) {
      eat("+");
    }
    if (!terms.empty() && place_ == before) {
      break;
    }
    Node term = product();
    if (plus_minus || minus_plus) {
      term = make(Kind::kPlusMinus, plus_minus ? "+-" : "-+", {std::move(term)});
    } else if (minus) {
      term = make(Kind::kNegative, "", {std::move(term)});
    }
    terms.push_back(std::move(term));
  }
  return terms.size() == 1 ? std::move(terms[0]) : make(Kind::kSum, "", std::move(terms));
}

}  // namespace endorm
