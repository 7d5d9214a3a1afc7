// What opens and must close: brackets, sets, bars, matrices.
#include <utility>

#include "grade/answer_parser.h"

namespace endorm {

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

}  // namespace endorm
