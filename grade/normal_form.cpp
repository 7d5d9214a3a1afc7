#include "grade/normal_form.h"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace endorm {
namespace {

std::string joined(const Node& node, const std::string& separator) {
  std::string text;
  for (const Node& child : node.children) {
    text += (text.empty() ? "" : separator) + normal_form(child);
  }
  return text;
}

// A part of a larger expression: in brackets unless it is one word or one number.
std::string as_operand(const Node& node) {
  const std::string text = normal_form(node);
  int open = 0;
  bool loose = false;
  for (const char c : text) {
    open += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    loose = loose || (open == 0 && std::string("+-*/^ !%,=<>|").find(c) != std::string::npos);
  }
  return loose ? "(" + text + ")" : text;
}

std::string relation_text(const Node& node) {
  std::string text = normal_form(node.children[0]);
  for (std::size_t k = 0; k < node.name.size(); ++k) {
    const char sign = node.name[k];
    const std::string written = sign == 'l'   ? "<="
                                : sign == 'g' ? ">="
                                : sign == '!' ? "!="
                                : sign == ':' ? "\\in"
                                              : std::string(1, sign);
    text += " " + written + " " + normal_form(node.children[k + 1]);
  }
  return text;
}

std::string function_text(const Node& node) {
  const bool based = (node.name == "log" || node.name == "ln") && node.children.size() == 2;
  if (based) {
    return "log_{" + normal_form(node.children[0]) + "}(" + normal_form(node.children[1]) + ")";
  }
  if (node.name == "log10") {
    return "log_{10}(" + joined(node, ", ") + ")";
  }
  if (node.name == "root") {
    return "\\sqrt[" + normal_form(node.children[0]) + "]{" + normal_form(node.children[1]) + "}";
  }
  if (node.name == "binom") {
    return "\\binom{" + normal_form(node.children[0]) + "}{" + normal_form(node.children[1]) + "}";
  }
  if (node.name == "abs") {
    return "|" + joined(node, ", ") + "|";
  }
  if (node.name == "floor") {
    return "\\lfloor " + joined(node, ", ") + "\\rfloor";
  }
  if (node.name == "ceil") {
    return "\\lceil " + joined(node, ", ") + "\\rceil";
  }
  return node.name + "(" + joined(node, ", ") + ")";
}

// Whether words are read as words again without \text: letters and single spaces, the first word of four letters.
bool is_plain_text(const std::string& text) {
  constexpr std::size_t kWord = 4;
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || c == ' '; };
  return std::all_of(text.begin(), text.end(), fits) && std::min(text.find(' '), text.size()) >= kWord;
}

// Factors with an exact form are multiplied into one, which stands first.
std::string product_text(const Node& node) {
  Node exact{Kind::kProduct, "", {}, {}};
  std::string rest;
  for (const Node& factor : node.children) {
    if (exact_form(factor)) {
      exact.children.push_back(factor);
    } else {
      rest += (rest.empty() ? "" : "*") + as_operand(factor);
    }
  }
  if (exact.children.empty()) {
    return rest;
  }
  const std::string first = exact_form(exact) ? as_operand(exact) : std::string();
  if (!first.empty()) {
    return first == "1" ? rest : first + "*" + rest;
  }
  std::string text;  // their product would be large
  for (const Node& factor : node.children) {
    text += (text.empty() ? "" : "*") + as_operand(factor);
  }
  return text;
}

std::string bare_form(const Node& node) {
  if (const std::optional<std::string> exact = exact_form(node)) {
    return *exact;
  }
  const auto child = [&](std::size_t k) -> const Node& { return node.children[k]; };
  switch (node.kind) {
    case Kind::kSum: {
      std::string text;
      for (const Node& term : node.children) {
        const std::string written = term.kind == Kind::kSum ? as_operand(term) : normal_form(term);
        const bool own_sign = written.starts_with("+-") || written.starts_with("\\mp");
        if (text.empty()) {
          text = written;
        } else if (own_sign) {
          text += " " + written;
        } else {
          text += written.front() == '-' ? " - " + written.substr(1) : " + " + written;
        }
      }
      return text;
    }
    case Kind::kProduct:
      return product_text(node);
    case Kind::kQuotient:
      return as_operand(child(0)) + "/" + as_operand(child(1));
    case Kind::kNegative:
      return "-" + as_operand(child(0));
    case Kind::kPower:
      return as_operand(child(0)) + "^" + as_operand(child(1));
    case Kind::kFunction:
      return function_text(node);
    case Kind::kFactorial:
      return as_operand(child(0)) + "!";
    case Kind::kPercent:
      return as_operand(child(0)) + "%";
    case Kind::kDegrees:
      return as_operand(child(0)) + "^\\circ";
    case Kind::kPlusMinus:
      return (node.name == "+-" ? "+-" : "\\mp ") + as_operand(child(0));
    case Kind::kBasedNumber:
      return node.name + "_{" + normal_form(child(0)) + "}";
    case Kind::kTuple:
      return node.name.substr(0, 1) + joined(node, ", ") + node.name.substr(1);
    case Kind::kRatio:
      return joined(node, ":");
    case Kind::kSet:
      return "\\{" + joined(node, ", ") + "\\}";
    case Kind::kList:
      return joined(node, ", ");
    case Kind::kUnionOf:
      return joined(node, " \\cup ");
    case Kind::kDifference:
      return joined(node, " \\setminus ");
    case Kind::kMatrix: {
      std::string text;
      for (const Node& row : node.children) {
        text += (text.empty() ? "" : " \\\\ ") + joined(row, " & ");
      }
      return "\\begin{pmatrix}" + text + "\\end{pmatrix}";
    }
    case Kind::kRelation:
      return relation_text(node);
    case Kind::kText:
      return is_plain_text(node.name) ? node.name : "\\text{" + node.name + "}";
    default:
      return node.name;
  }
}

}  // namespace

std::string normal_form(const Node& node) {
  const bool stated = node.kind == Kind::kPercent || node.kind == Kind::kDegrees;
  if (stated) {
    return as_operand(node.children[0]) + (node.kind == Kind::kPercent ? "%" : "^\\circ");
  }
  const std::string text = bare_form(node);
  return node.unit.empty() ? text : text + " \\text{" + node.unit + "}";
}

}  // namespace endorm
