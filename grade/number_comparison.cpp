// Numbers and expressions: units, rounding, digits in a base, ratios.
#include <cmath>
#include <cstdlib>

#include "grade/comparer.h"
#include "grade/names.h"
#include "grade/normal_form.h"

namespace endorm {
namespace {

bool is_decimal(const Node& node) {
  if (node.kind == Kind::kNegative || node.kind == Kind::kPercent || node.kind == Kind::kDegrees) {
    return is_decimal(node.children[0]);
  }
  return node.kind == Kind::kNumber && node.name.find_first_of(".e") != std::string::npos &&
         node.name.find('(') == std::string::npos;
}

const Node& literal_in(const Node& node) { return node.kind == Kind::kNumber ? node : literal_in(node.children[0]); }

int significant_digits(const std::string& literal) {
  int digits = 0;
  for (const char c : literal.substr(0, literal.find('e'))) {
    if (c >= '0' && c <= '9' && (digits > 0 || c != '0')) {
      ++digits;
    }
  }
  return digits;
}

// Half of what the last digit of a literal stands for: 0.005 for "3.14". Zero for "27.0", which is an integer.
double half_last_digit(const std::string& literal) {
  const std::size_t exponent_at = literal.find('e');
  const std::string digits = literal.substr(0, exponent_at);
  const std::size_t point = digits.find('.');
  const bool whole = point == std::string::npos || digits.find_first_not_of('0', point + 1) == std::string::npos;
  if (whole && exponent_at == std::string::npos) {
    return 0.0;
  }
  const int after_point = point == std::string::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  const int exponent = exponent_at == std::string::npos ? 0 : std::atoi(literal.c_str() + exponent_at + 1);
  return 0.5 * std::pow(10.0, exponent - after_point);
}

}  // namespace

bool Comparer::same_ratio(const Node& answer, const Node& reference) {
  const auto quotient = [](const Node& node) -> std::optional<Node> {
    if (node.kind != Kind::kRatio) {
      return node;
    }
    if (node.children.size() != 2 || exact_form(node.children[1]) == "0") {
      return std::nullopt;
    }
    for (const Node& part : node.children) {
      if (!part.unit.empty()) {
        return std::nullopt;
      }
    }
    return Node{Kind::kQuotient, "", node.children, {}};
  };
  const std::optional<Node> left = quotient(answer);
  const std::optional<Node> right = quotient(reference);
  if (left && right) {
    return same_number(*left, *right);
  }
  return answer.kind == reference.kind && same_in_order(answer.children, reference.children);
}

bool Comparer::same_digits(const Node& answer, const Node& reference) {
  const bool both = answer.kind == reference.kind;
  if (both && answer.children[0].name != reference.children[0].name) {
    return say(false, "the bases differ");
  }
  const bool digits =
      answer.name == reference.name && (both || answer.kind == Kind::kNumber || reference.kind == Kind::kNumber);
  return say(digits, digits ? "the same digits" : "other digits");
}

bool Comparer::same_number(const Node& answer, const Node& reference) {
  if (const std::optional<double> factor = unit_factor(answer.unit, reference.unit)) {
    if (*factor == 0.0) {
      return say(false, "the units differ: " + answer.unit + " is not " + reference.unit);
    }
    if (std::abs(*factor - 1.0) > 1e-9) {
      const std::optional<double> left = distance(answer, Node{Kind::kNumber, "0", {}, {}}, budget_);
      const std::optional<double> gap = distance(reference, Node{Kind::kNumber, "0", {}, {}}, budget_);
      const bool equal = left && gap && std::abs(*left * *factor - *gap) <= 1e-9 * std::abs(*gap);
      return say(equal, equal ? "equal in other units" : "not equal in one unit");
    }
  }
  if (same_expression(answer, reference)) {
    return true;
  }
  const std::string why = why_;
  const std::optional<Side> undefined = undefined_;
  // "50%" and "90 degrees" may be meant as 50 and 90: right where only one side writes the sign.
  for (const Kind sign : {Kind::kPercent, Kind::kDegrees}) {
    if ((answer.kind == sign) == (reference.kind == sign)) {
      continue;
    }
    const Node& left = answer.kind == sign ? answer.children[0] : answer;
    const Node& right = reference.kind == sign ? reference.children[0] : reference;
    if (same_expression(left, right)) {
      return say(true, sign == Kind::kPercent ? "equal but for %" : "equal but for degrees");
    }
  }
  undefined_ = undefined;
  return say(false, why);
}

std::optional<double> Comparer::unit_factor(const std::string& answer, const std::string& reference) {
  const UnitScale left = unit_scale(answer);
  const UnitScale right = unit_scale(reference);
  if (left.dimension.empty() || right.dimension.empty()) {
    return std::nullopt;
  }
  return left.dimension == right.dimension ? left.factor / right.factor : 0.0;
}

bool Comparer::same_expression(const Node& answer, const Node& reference) {
  if (answer.unit == reference.unit && normal_form(answer) == normal_form(reference)) {
    return say(defined(answer), "the same expression");
  }
  const std::optional<std::string> left = exact_form(answer);
  const std::optional<std::string> right = exact_form(reference);
  if (left && right && *left == *right) {
    return say(true, "equal exactly");
  }
  const bool exact = left && right;
  const Sameness found = exact ? Sameness::kDifferent : same_value(answer, reference, budget_);
  if (found == Sameness::kSame) {
    return say(true, "equal by evaluation");
  }
  if (found == Sameness::kLeftUndefined) {
    undefined_ = Side::kAnswer;
  }
  if (found == Sameness::kRightUndefined) {
    undefined_ = Side::kReference;
  }
  if (rounds_to(answer, reference)) {
    return true;
  }
  return say(false, normal_form(answer) + " is not " + normal_form(reference));
}

bool Comparer::defined(const Node& node) {
  const bool opaque = any_node(node, [](const Node& inner) {
    return inner.kind == Kind::kSymbol || (inner.kind == Kind::kConstant && inner.name == "infinity") ||
           inner.kind == Kind::kText || inner.kind == Kind::kTuple || inner.kind == Kind::kSet;
  });
  if (opaque || exact_form(node)) {
    return true;
  }
  const Sameness found = same_value(node, node, budget_);
  if (found == Sameness::kLeftUndefined || found == Sameness::kRightUndefined) {
    undefined_ = Side::kAnswer;
  }
  return !undefined_;
}

bool Comparer::rounds_to(const Node& answer, const Node& reference) {
  const std::optional<double> gap = distance(answer, reference, budget_);
  if (!gap) {
    return false;
  }
  constexpr double kSlack = 1.0 + 1e-9;  // for what a double cannot hold of half a digit
  if (options_.tolerance > 0.0 && *gap <= options_.tolerance * kSlack) {
    return say(true, "within the tolerance");
  }
  const auto close = [&](const Node& rounded, int least) {
    const Node& literal = literal_in(rounded);
    const double scale = rounded.kind == Kind::kPercent   ? 0.01
                         : rounded.kind == Kind::kDegrees ? 0.017453292519943295
                                                          : 1.0;
    return significant_digits(literal.name) >= least && *gap <= scale * half_last_digit(literal.name) * kSlack;
  };
  if (is_decimal(reference) && close(reference, options_.rounded_reference_digits)) {
    return say(true, "rounds to the reference");
  }
  if (is_decimal(answer) && !is_decimal(reference) && close(answer, options_.rounded_answer_digits)) {
    return say(true, "is the reference rounded");
  }
  return false;
}

}  // namespace endorm
