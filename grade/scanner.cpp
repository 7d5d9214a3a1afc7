// How a parser moves over its text.
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

}  // namespace endorm
