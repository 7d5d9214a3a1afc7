// What the grammar's levels are made of: numbers, names, brackets and TeX commands with arguments.
#include <algorithm>
#include <array>

#include "grade/answer_parser.h"
#include "grade/answer_text.h"
#include "grade/names.h"

namespace endorm {
namespace {

// Whether a text is words alone, one of them long: "no solution".
bool only_words(std::string_view text) {
  std::size_t longest = 0;
  for (std::size_t place = 0; place < text.size();) {
    std::size_t end = place;
    while (end < text.size() && is_letter(text[end])) ++end;
    const std::string_view word = text.substr(place, end - place);
    if (is_function_name(word) || word == "and" || word == "or" || word == "infinity") return false;
    longest = std::max(longest, word.size());
    if (end < text.size() && !is_space(text[end])) return false;
    place = end + 1;
  }
  constexpr std::size_t kWord = 4;
  return longest >= kWord;
}

}  // namespace

void AnswerParser::skip_spaces() {
  while (place_ < text_.size() && is_space(text_[place_])) ++place_;
}

bool AnswerParser::at_end() {
  skip_spaces();
  return place_ == text_.size();
}

char AnswerParser::next() { return at_end() ? '\0' : text_[place_]; }

// Whether `sign` comes next; a sign that ends in a letter must end a word there.
bool AnswerParser::sees(std::string_view sign) {
  skip_spaces();
  if (text_.substr(place_, sign.size()) != sign) return false;
  const std::size_t end = place_ + sign.size();
  return !is_letter(sign.back()) || end == text_.size() || !is_letter(text_[end]);
}

bool AnswerParser::eat(std::string_view sign) {
  if (!sees(sign)) return false;
  place_ += sign.size();
  return true;
}

// The letters at the place, which must not be a space: "" where none is there.
std::string_view AnswerParser::letters_ahead() const {
  std::size_t begin = place_;
  while (begin < text_.size() && is_space(text_[begin])) ++begin;
  if (begin != place_) return AnswerParser(text_.substr(begin)).letters_ahead();
  std::size_t end = begin;
  while (end < text_.size() && is_letter(text_[end])) ++end;
  return text_.substr(begin, end - begin);
}

// The name of the TeX command at the place; "" where none is there.
std::string_view AnswerParser::command_ahead() {
  if (next() != '\\') return "";
  std::size_t end = place_ + 1;
  while (end < text_.size() && is_letter(text_[end])) ++end;
  return text_.substr(place_ + 1, end - place_ - 1);
}

// The text of the braces that open at the place, without white space at its ends.
std::string AnswerParser::braced_text() {
  if (next() != '{') fail("a TeX command lacks its argument");
  const std::size_t begin = ++place_;
  int open = 1;
  while (place_ < text_.size() && open > 0) {
    const char c = text_[place_++];
    open += c == '{' ? 1 : c == '}' ? -1 : 0;
  }
  std::string_view inside = text_.substr(begin, place_ - begin - (open == 0 ? 1 : 0));
  while (!inside.empty() && is_space(inside.front())) inside.remove_prefix(1);
  while (!inside.empty() && is_space(inside.back())) inside.remove_suffix(1);
  return std::string(inside);
}

void AnswerParser::fail(const std::string& reason) const { throw Unreadable{reason}; }

Node AnswerParser::make(Kind kind, std::string name, std::vector<Node> children) {
  constexpr std::size_t kMost = 2000;
  if (++nodes_ > kMost) fail("it has more than " + std::to_string(kMost) + " parts");
  return Node{kind, std::move(name), std::move(children), {}};
}

Node AnswerParser::atom() {
  const Deeper level(*this);
  const char c = next();
  if (c == '\0') fail("it ends where something must follow");
  if (const std::size_t size = digits_of_base_ahead()) {
    Node digits = make(Kind::number, std::string(text_.substr(place_, size)));
    place_ += size;
    return with_base(digits);
  }
  if (is_digit(c) || c == '.') return number();
  if (is_letter(c)) return plain_letters();
  if (c == '(' || c == '[') return bracket(c);
  if (sees("\\{")) return set();
  if (c == '{') return tex_argument();
  if (c == '|') return between_bars();
  if (c == '\\') return command();
  fail(std::string("\"") + c + "\" cannot stand there");
}

// Digits with a point, a repeating part under a bar, and an exponent: "4.5e33".
Node AnswerParser::number() {
  std::string literal;
  const auto take_digits = [&] {
    while (place_ < text_.size() && is_digit(text_[place_])) literal += text_[place_++];
  };
  skip_spaces();
  take_digits();
  const bool point = place_ < text_.size() && text_[place_] == '.';
  if (point) {
    ++place_;
    literal += '.';
    take_digits();
    if (literal == ".") fail("a point stands without digits");
    if (eat("\\overline") || eat("\\bar")) {
      const std::string repeated = braced_text();
      if (repeated.empty() || !std::all_of(repeated.begin(), repeated.end(), is_digit)) fail("no digits repeat");
      return make(Kind::number, literal + "(" + repeated + ")");
    }
  }
  const auto digit_at = [&](std::size_t place) { return place < text_.size() && is_digit(text_[place]); };
  if (place_ < text_.size() && (text_[place_] == 'e' || text_[place_] == 'E')) {
    const bool sign = place_ + 1 < text_.size() && (text_[place_ + 1] == '-' || text_[place_ + 1] == '+');
    if (digit_at(place_ + 1 + (sign ? 1 : 0))) {
      literal += 'e';
      if (sign && text_[place_ + 1] == '-') literal += '-';
      place_ += sign ? 2 : 1;
      take_digits();
    }
  }
  if (literal.back() == '.') literal.pop_back();
  constexpr std::size_t kLongest = 1500;
  if (literal.size() > kLongest) fail("a number has more than " + std::to_string(kLongest) + " digits");
  Node node = make(Kind::number, literal);
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
    while (is_digit(next())) base += text_[place_++];
  } else if (is_digit(next())) {
    while (place_ < text_.size() && is_digit(text_[place_]) && base.size() < 2) base += text_[place_++];
  }
  if (inner) eat("}");
  if (braced) eat("}");
  if (base.empty()) fail("a subscript of digits names no base");
  Node node = make(Kind::based_number, digits.name);
  node.children.push_back(make(Kind::number, base));
  return node;
}

// Letters without a backslash: a function, a constant, words, or else one variable.
Node AnswerParser::plain_letters() {
  const std::string_view letters = letters_ahead();
  const std::size_t behind = std::min(text_.find_first_not_of(' ', place_ + letters.size()), text_.size());
  const bool operand =
      behind < text_.size() && std::string_view("+*/=,;)").find(text_[behind]) == std::string_view::npos;
  if (letters.size() > 1 && is_function_name(letters) && operand) {  // "ln + 1" is l n + 1
    place_ += letters.size();
    return function(std::string(function_name(letters)));
  }
  if (letters == "pi" || letters == "infinity" || letters == "inf" || letters == "infty" || letters == "oo") {
    place_ += letters.size();
    return make(Kind::constant, letters == "pi" ? "pi" : "infinity");
  }
  if (place_ == 0 && only_words(text_)) {
    place_ += letters.size();
    return words(std::string(letters));
  }
  constexpr std::size_t kWord = 4;
  const std::size_t after = place_ + letters.size();
  const bool in_formula =
      after < text_.size() && std::string_view("^_(+*/=").find(text_[after]) != std::string_view::npos;
  const bool capitals = std::all_of(letters.begin(), letters.end(), [](char c) { return c <= 'Z'; });
  const bool whole = place_ == 0 && after == text_.size();
  const bool three = letters.size() == 3 && whole;
  if ((letters.size() >= kWord && !in_formula && !capitals) || three ||
      (capitals && letters.size() >= kWord && whole)) {
    place_ += letters.size();
    return words(std::string(letters));
  }
  ++place_;
  return symbol(std::string(1, letters[0]));
}

// Words that stand where a value should: the whole run of them is one text.
Node AnswerParser::words(std::string first) {
  std::string text = std::move(first);
  for (;;) {
    const std::size_t before = place_;
    const std::string_view letters = letters_ahead();
    if (letters.empty() || letters == "and" || letters == "or") break;
    skip_spaces();
    if (place_ == before && !letters.empty()) break;
    text += ' ';
    text += letters;
    place_ += letters.size();
  }
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return make(Kind::text, text);
}

// A variable with its subscripts; e, i and pi are constants; one with a number as its argument is opaque: I(0).
Node AnswerParser::symbol(std::string name) {
  const std::string spelled = name.size() > 1 ? "\\" + name : name;
  if (place_ < text_.size() && text_[place_] == '_') {
    ++place_;
    std::string subscript;
    if (next() == '{') {
      for (const char c : braced_text()) {
        if (is_letter(c) || is_digit(c) || c == ',') subscript += c;
      }
      for (const std::string_view word : {"text", "mathrm", "rm"}) {
        const std::size_t found = subscript.find(word);
        if (found == 0) subscript.erase(0, word.size());
      }
    } else if (next() == '\\') {
      const std::string_view command = command_ahead();
      subscript = command;
      place_ += 1 + command.size();
      if (subscript == "text") subscript = braced_text();
    } else if (!at_end()) {
      subscript = text_[place_++];
    }
    if (!subscript.empty()) {
      return make(Kind::symbol, spelled + "_" + (subscript.size() > 1 ? "{" + subscript + "}" : subscript));
    }
  }
  if (name == "e" || name == "i" || name == "pi") return make(Kind::constant, name);
  if (place_ + 2 < text_.size() && text_[place_] == '(' && is_digit(text_[place_ + 1]) && text_[place_ + 2] == ')' &&
      name.size() == 1 && (name[0] <= 'Z' || name == "f" || name == "g" || name == "h")) {
    name += text_.substr(place_, 3);
    place_ += 3;
    return make(Kind::symbol, name);
  }
  return make(Kind::symbol, spelled);
}

Node AnswerParser::command() {
  const std::string name(command_ahead());
  const std::string_view plain = name;
  if (is_operator(plain)) fail("\\" + name + " cannot stand there");
  if (plain.empty()) fail("\"" + std::string(text_.substr(place_, 2)) + "\" is not known");
  place_ += 1 + name.size();
  if (plain == "frac") {
    std::vector<Node> parts;
    parts.push_back(tex_argument());
    parts.push_back(tex_argument());
    return make(Kind::quotient, "", std::move(parts));
  }
  if (plain == "binom") {
    std::vector<Node> parts;
    parts.push_back(tex_argument());
    parts.push_back(tex_argument());
    return make(Kind::function, "binom", std::move(parts));
  }
  if (plain == "sqrt") return root();
  if (plain == "infty") return make(Kind::constant, "infinity");
  if (plain == "emptyset" || plain == "varnothing") return make(Kind::set, "");
  if (plain == "lfloor") return rounded("floor", "\\rfloor");
  if (plain == "lceil") return rounded("ceil", "\\rceil");
  if (plain == "begin") return matrix();
  if (plain == "langle") {
    Node inside = list();
    if (!eat("\\rangle")) fail("\\langle is not closed");
    std::vector<Node> elements =
        inside.kind == Kind::list ? std::move(inside.children) : std::vector<Node>{std::move(inside)};
    return make(Kind::tuple, "()", std::move(elements));
  }
  if (plain == "boxed" || plain == "fbox" || plain == "mathcal") return tex_argument();
  if (plain == "text") {
    const std::string inside = braced_text();
    if (inside.empty()) return atom();
    if (next() == '_') return with_base(make(Kind::number, inside));
    if (inside.size() == 1 || inside.find(',') != std::string::npos ||
        (inside.size() <= 4 && std::any_of(inside.begin(), inside.end(), is_digit))) {
      return AnswerParser(inside).whole();
    }
    return words(inside);
  }
  if (plain == "overline" || plain == "bar" || plain == "vec" || plain == "hat" || plain == "dot" || plain == "ddot" ||
      plain == "tilde" || plain == "overrightarrow") {
    std::string under;
    if (next() == '{') {
      under = braced_text();
    } else if (!at_end()) {
      under = text_[place_++];
    }
    under.erase(std::remove_if(under.begin(), under.end(), [](char c) { return !is_letter(c) && !is_digit(c); }),
                under.end());
    return symbol(name + under);
  }
  if (is_function_name(plain)) return function(std::string(function_name(plain)));
  for (const std::string_view word : {"dots", "ldots", "cdots", "sum", "int", "prod", "lim", "frac", "pmod", "mod"}) {
    if (plain == word) fail("\\" + name + " is not read");
  }
  return symbol(name.starts_with("var") ? name.substr(3) : name);
}

// A bracket with one element only groups; with several it is a tuple, or an interval: the brackets may differ.
Node AnswerParser::bracket(char open) {
  ++place_;
  if (eat(")") || eat("]")) return make(Kind::tuple, "()");
  const int bars = bars_;
  bars_ = 0;
  Node inside = list();
  bars_ = bars;
  const char close = next();
  if (close != ')' && close != ']') fail(std::string("the bracket \"") + open + "\" is not closed");
  ++place_;
  const bool group = inside.kind != Kind::list;
  if (group && (open == '(') == (close == ')')) {
    // "(x + 1)" is x + 1, but a sign in front of it belongs to the whole.
    return inside;
  }
  if (group) fail("an interval has one end only");
  return make(Kind::tuple, std::string{open, close}, std::move(inside.children));
}

// "\{1, 2\}"; with a bar or colon, the condition behind it is the set: "\{x | x > 2\}".
Node AnswerParser::set() {
  eat("\\{");
  if (eat("\\}")) return make(Kind::set, "");
  const int bars = bars_;
  bars_ = 1;  // a bar parts, it opens nothing
  Node inside = list();
  if (eat("|") || eat("\\mid") || eat(":")) inside = list();
  bars_ = bars;
  if (!eat("\\}") && !eat("}") && !at_end()) fail("a set is not closed");
  if (inside.kind == Kind::relation) return inside;
  std::vector<Node> elements =
      inside.kind == Kind::list ? std::move(inside.children) : std::vector<Node>{std::move(inside)};
  return make(Kind::set, "", std::move(elements));
}

Node AnswerParser::between_bars() {
  eat("|");
  ++bars_;
  Node inside = sum();
  --bars_;
  if (!eat("|")) fail("a bar is not closed");
  return make(Kind::function, "abs", {std::move(inside)});
}

Node AnswerParser::rounded(const std::string& name, std::string_view close) {
  Node inside = sum();
  if (!eat(close)) fail("\\l" + name + " is not closed");
  return make(Kind::function, name, {std::move(inside)});
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
    if (eat("&")) continue;
    rows.push_back(make(Kind::tuple, "()", std::move(cells)));
    cells.clear();
    const bool more = eat("\\\\");
    if (!sees("\\end") && more) continue;
    if (!eat("\\end")) fail("a matrix is not closed");
    braced_text();
    return make(Kind::matrix, "", std::move(rows));
  }
}

Node AnswerParser::root() {
  if (!eat("[")) return make(Kind::function, "sqrt", {tex_argument()});
  std::vector<Node> parts;
  parts.push_back(sum());
  if (!eat("]")) fail("the index of a root is not closed");
  parts.push_back(tex_argument());
  return make(Kind::function, "root", std::move(parts));
}

// What TeX takes as an argument: a group in braces, one digit, one letter or one command. Braces that are still open at
// the end are closed there, as models forget them.
Node AnswerParser::tex_argument() {
  const Deeper level(*this);
  const char c = next();
  if (c == '{') {
    ++place_;
    if (eat("}")) fail("braces are empty");
    const int bars = bars_;
    bars_ = 0;
    Node inside = list();
    bars_ = bars;
    if (!eat("}") && !at_end()) fail("a brace is not closed");
    return inside.kind == Kind::list ? make(Kind::set, "", std::move(inside.children)) : std::move(inside);
  }
  if (is_digit(c)) {
    const bool plain_power = place_ > 0 && text_[place_ - 1] == '^';
    if (plain_power) return number();  // "x^10" as plain text has it
    return make(Kind::number, std::string(1, text_[place_++]));
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
    operands.push_back(make(Kind::constant, "e"));
    operands.push_back(argument());
    return make(Kind::power, "", std::move(operands));
  }
  if (logarithm && eat("_")) operands.push_back(tex_argument());
  if (eat("^{-1}") || eat("^{- 1}") || eat("^-1")) {
    called = std::string(function_name(called + "^-1"));
  } else if (eat("^")) {
    exponent = tex_argument();
    raised = true;
  }
  if (logarithm && operands.empty() && eat("_")) operands.push_back(tex_argument());
  Node operand = argument();
  if (operand.kind == Kind::tuple) {
    operands = std::move(operand.children);
  } else {
    operands.push_back(std::move(operand));
  }
  if (called == "lg") called = "log10";
  Node node = make(Kind::function, called, std::move(operands));
  if (!raised) return node;
  std::vector<Node> parts;
  parts.push_back(std::move(node));
  parts.push_back(std::move(exponent));
  return make(Kind::power, "", std::move(parts));
}

// The operand of a function: a bracket, or the factors up to a sign or another function: \sin 2 \pi t.
Node AnswerParser::argument() {
  const char c = next();
  if (c == '(' || c == '[' || c == '{' || c == '|') return c == '{' ? tex_argument() : atom();
  if (c == '-') return signed_power();
  std::vector<Node> factors{power()};
  while (begins_factor() && next() != '(' && next() != '[' && !is_function_name(command_ahead()) &&
         !(letters_ahead().size() > 1)) {
    factors.push_back(power());
  }
  return factors.size() == 1 ? std::move(factors[0]) : make(Kind::product, "", std::move(factors));
}

}  // namespace endorm
