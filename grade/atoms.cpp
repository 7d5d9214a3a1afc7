// What the grammar's levels are made of: names, words, and the choice among numbers, brackets and functions.
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
    const std::string_view word = letters_at(text, place);
    const std::size_t end = place + word.size();
    if (is_function_name(word) || word == "and" || word == "or" || word == "infinity") {
      return false;
    }
    longest = std::max(longest, word.size());
    if (end < text.size() && !is_space(text[end])) {
      return false;
    }
    place = end + 1;
  }
  constexpr std::size_t kWord = 4;
  return longest >= kWord;
}

}  // namespace

Node AnswerParser::atom() {
  const Deeper level(*this);
  const char c = next();
  if (c == '\0') {
    fail("it ends where something must follow");
  }
  if (const std::size_t size = digits_of_base_ahead()) {
    Node digits = make(Kind::kNumber, std::string(text_.substr(place_, size)));
    place_ += size;
    return with_base(digits);
  }
  if (is_digit(c) || c == '.') {
    return number();
  }
  if (is_letter(c)) {
    return plain_letters();
  }
  if (c == '(' || c == '[') {
    return bracket(c);
  }
  if (sees("\\{")) {
    return set();
  }
  if (c == '{') {
    return tex_argument();
  }
  if (c == '|') {
    return between_bars();
  }
  if (c == '\\') {
    return command();
  }
  fail(std::string("\"") + c + "\" cannot stand there");
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
    return make(Kind::kConstant, letters == "pi" ? "pi" : "infinity");
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
    if (letters.empty() || letters == "and" || letters == "or") {
      break;
    }
    skip_spaces();
    if (place_ == before && !letters.empty()) {
      break;
    }
    text += ' ';
    text += letters;
    place_ += letters.size();
  }
  return make(Kind::kText, lower(text));
}

// A variable with its subscripts; e, i and pi are constants; one with a number as its argument is opaque: I(0).
Node AnswerParser::symbol(std::string name) {
  const std::string spelled = name.size() > 1 ? "\\" + name : name;
  if (place_ < text_.size() && text_[place_] == '_') {
    ++place_;
    std::string subscript;
    if (next() == '{') {
      for (const char c : braced_text()) {
        if (is_letter(c) || is_digit(c) || c == ',') {
          subscript += c;
        }
      }
      for (const std::string_view word : {"text", "mathrm", "rm"}) {
        const std::size_t found = subscript.find(word);
        if (found == 0) {
          subscript.erase(0, word.size());
        }
      }
    } else if (next() == '\\') {
      const std::string_view command = command_ahead();
      subscript = command;
      place_ += 1 + command.size();
      if (subscript == "text") {
        subscript = braced_text();
      }
    } else if (!at_end()) {
      subscript = text_[place_++];
    }
    if (!subscript.empty()) {
      return make(Kind::kSymbol, spelled + "_" + (subscript.size() > 1 ? "{" + subscript + "}" : subscript));
    }
  }
  if (name == "e" || name == "i" || name == "pi") {
    return make(Kind::kConstant, name);
  }
  if (place_ + 2 < text_.size() && text_[place_] == '(' && is_digit(text_[place_ + 1]) && text_[place_ + 2] == ')' &&
      name.size() == 1 && (name[0] <= 'Z' || name == "f" || name == "g" || name == "h")) {
    name += text_.substr(place_, 3);
    place_ += 3;
    return make(Kind::kSymbol, name);
  }
  return make(Kind::kSymbol, spelled);
}

Node AnswerParser::command() {
  const std::string name(command_ahead());
  const std::string_view plain = name;
  if (is_operator(plain)) {
    fail("\\" + name + " cannot stand there");
  }
  if (plain.empty()) {
    fail("\"" + std::string(text_.substr(place_, 2)) + "\" is not known");
  }
  place_ += 1 + name.size();
  if (plain == "frac" || plain == "binom") {
    Node above = tex_argument();
    Node below = tex_argument();
    return plain == "frac" ? make(Kind::kQuotient, "", std::move(above), std::move(below))
                           : make(Kind::kFunction, "binom", std::move(above), std::move(below));
  }
  if (plain == "sqrt") {
    return root();
  }
  if (plain == "infty") {
    return make(Kind::kConstant, "infinity");
  }
  if (plain == "emptyset" || plain == "varnothing") {
    return make(Kind::kSet, "");
  }
  if (plain == "lfloor") {
    return rounded("floor", "\\rfloor");
  }
  if (plain == "lceil") {
    return rounded("ceil", "\\rceil");
  }
  if (plain == "begin") {
    return matrix();
  }
  if (plain == "langle") {
    Node inside = list();
    if (!eat("\\rangle")) {
      fail("\\langle is not closed");
    }
    return make(Kind::kTuple, "()", elements_of(std::move(inside)));
  }
  if (plain == "boxed" || plain == "fbox" || plain == "mathcal") {
    return tex_argument();
  }
  if (plain == "text") {
    const std::string inside = braced_text();
    if (inside.empty()) {
      return atom();
    }
    if (next() == '_') {
      return with_base(make(Kind::kNumber, inside));
    }
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
  if (is_function_name(plain)) {
    return function(std::string(function_name(plain)));
  }
  for (const std::string_view word : {"dots", "ldots", "cdots", "sum", "int", "prod", "lim", "frac", "pmod", "mod"}) {
    if (plain == word) {
      fail("\\" + name + " is not read");
    }
  }
  return symbol(name.starts_with("var") ? name.substr(3) : name);
}

}  // namespace endorm
