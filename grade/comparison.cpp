#include "grade/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "grade/exact_form.h"
#include "grade/interval_sets.h"
#include "grade/names.h"
#include "grade/normal_form.h"

namespace endorm {
namespace {

bool is_decimal(const Node& node) {
  if (node.kind == Kind::negative || node.kind == Kind::percent || node.kind == Kind::degrees) {
    return is_decimal(node.children[0]);
  }
  return node.kind == Kind::number && node.name.find_first_of(".e") != std::string::npos &&
         node.name.find('(') == std::string::npos;
}

const Node& literal_in(const Node& node) { return node.kind == Kind::number ? node : literal_in(node.children[0]); }

int significant_digits(const std::string& literal) {
  int digits = 0;
  for (const char c : literal.substr(0, literal.find('e'))) {
    if (c >= '0' && c <= '9' && (digits > 0 || c != '0')) ++digits;
  }
  return digits;
}

// Half of what the last digit of a literal stands for: 0.005 for "3.14". Zero for "27.0", which is an integer.
double half_last_digit(const std::string& literal) {
  const std::size_t exponent_at = literal.find('e');
  const std::string digits = literal.substr(0, exponent_at);
  const std::size_t point = digits.find('.');
  const bool whole = point == std::string::npos || digits.find_first_not_of('0', point + 1) == std::string::npos;
  if (whole && exponent_at == std::string::npos) return 0.0;
  const int after_point = point == std::string::npos ? 0 : static_cast<int>(digits.size() - point - 1);
  const int exponent = exponent_at == std::string::npos ? 0 : std::atoi(literal.c_str() + exponent_at + 1);
  return 0.5 * std::pow(10.0, exponent - after_point);
}

// "y", "f(x)", "E(20, 3)", "m_{max}": the name that an equation gives to its other side.
bool is_head(const Node& node) {
  if (node.kind == Kind::symbol || node.kind == Kind::text) return true;
  if (node.kind == Kind::tuple) return std::all_of(node.children.begin(), node.children.end(), is_head);
  if (node.kind != Kind::product || node.children.size() > 2) return false;
  const bool called = node.children[0].kind == Kind::symbol && node.children[1].kind == Kind::tuple;
  return called || std::all_of(node.children.begin(), node.children.end(), [](const Node& factor) {
           return factor.kind == Kind::symbol || factor.kind == Kind::text;
         });
}

Node with_sign(const Node& node, bool upper) {
  if (node.kind == Kind::plus_minus) {
    const bool plus = (node.name == "+-") == upper;
    Node operand = with_sign(node.children[0], upper);
    return plus ? operand : Node{Kind::negative, "", {std::move(operand)}, {}};
  }
  Node result = node;
  for (Node& child : result.children) child = with_sign(child, upper);
  return result;
}

bool has_plus_minus(const Node& node) {
  return any_node(node, [](const Node& inner) { return inner.kind == Kind::plus_minus; });
}

// The answers that a node lists: the elements of a list or set, both signs of a +-.
std::vector<Node> listed(const Node& node) {
  std::vector<Node> elements;
  if (node.kind == Kind::list || node.kind == Kind::set) {
    for (const Node& child : node.children) {
      for (Node& element : listed(child)) elements.push_back(std::move(element));
    }
  } else if (has_plus_minus(node)) {
    elements.push_back(with_sign(node, true));
    elements.push_back(with_sign(node, false));
  } else {
    elements.push_back(node);
  }
  return elements;
}

bool is_listing(const Node& node) { return node.kind == Kind::list || node.kind == Kind::set || has_plus_minus(node); }

// What an equation or membership says its name is: "x = 5" and "x \in [0, 1]"; none where no side is a name.
const Node* named_value(const Node& node) {
  if (node.kind != Kind::relation || node.children.size() != 2) return nullptr;
  if (node.name == ":") return &node.children[1];
  if (node.name != "=") return nullptr;
  const bool numbers =
      !any_node(node, [](const Node& inner) { return inner.kind == Kind::symbol || inner.kind == Kind::text; });
  if (numbers) return &node.children[0];  // "2/3 = 0.67": the first is what the others restate
  if (is_head(node.children[0])) return &node.children[1];
  if (is_head(node.children[1])) return &node.children[0];
  return nullptr;
}

// What an equation says where the other answer is a value: beside named_value the side without variables, where it is
// not 0: "|r - s| = 16" and "x + y = 7" say 16 and 7.
const Node* stated_value(const Node& node) {
  if (const Node* value = named_value(node)) return value;
  if (node.kind != Kind::relation || node.name != "=" || node.children.size() != 2) return nullptr;
  const auto is_value = [](const Node& side) {
    return !any_node(side, [](const Node& inner) { return inner.kind == Kind::symbol || inner.kind == Kind::text; }) &&
           exact_form(side) != "0";
  };
  const bool left = is_value(node.children[0]);
  const bool right = is_value(node.children[1]);
  if (left == right) return nullptr;
  return left ? &node.children[0] : &node.children[1];
}

// "(x, y) = (1, 2)" as the list "x = 1, y = 2"; another node as it is.
Node without_tuples(const Node& node) {
  const bool tuples = node.kind == Kind::relation && node.name == "=" && node.children.size() == 2 &&
                      node.children[0].kind == Kind::tuple && node.children[1].kind == Kind::tuple &&
                      node.children[0].children.size() == node.children[1].children.size();
  if (!tuples) return node;
  Node list{Kind::list, "", {}, {}};
  for (std::size_t k = 0; k < node.children[0].children.size(); ++k) {
    list.children.push_back(
        Node{Kind::relation, "=", {node.children[0].children[k], node.children[1].children[k]}, {}});
  }
  return list;
}

bool lists_relations(const Node& node) {
  return node.kind == Kind::list &&
         any_node(node.children[0], [](const Node& inner) { return inner.kind == Kind::relation; });
}

// The names of which the relations of a node speak.
void collect_names(const Node& node, std::set<std::string>& names) {
  for (const Node& child : node.children) {
    if (node.kind == Kind::relation && is_head(child)) names.insert(normal_form(child));
    if (child.kind == Kind::relation) collect_names(child, names);
  }
}

bool is_infinite(const Node& node) {
  const Node& size = node.kind == Kind::negative ? node.children[0] : node;
  return size.kind == Kind::constant && size.name == "infinity";
}

// "5 m" was read as a product of 5 and a variable m; beside an answer that states a unit it is 5 metres.
Node with_letter_unit(const Node& node, const Node& other) {
  const bool letter = node.unit.empty() && !other.unit.empty() && node.kind == Kind::product &&
                      node.children.size() == 2 && node.children[0].kind == Kind::number &&
                      node.children[1].kind == Kind::symbol && !unit_scale(node.children[1].name).dimension.empty();
  if (!letter) return node;
  Node amount = node.children[0];
  amount.unit = node.children[1].name;
  return amount;
}

Node minus(const Node& left, const Node& right) {
  return Node{Kind::sum, "", {left, Node{Kind::negative, "", {right}, {}}}, {}};
}

class Comparer {
 public:
  Comparer(const GradeOptions& options, Budget& budget) : options_(options), budget_(budget) {}

  // The same answer, element by element where they are structures.
  bool same(const Node& answer, const Node& reference) {
    budget_.spend(1);
    if (lists_relations(answer) && reference.kind == Kind::relation) {
      return same_listing(answer, without_tuples(reference));
    }
    if (lists_relations(reference) && answer.kind == Kind::relation) {
      return same_listing(without_tuples(answer), reference);
    }
    if (is_listing(answer) || is_listing(reference)) return same_listing(answer, reference);
    if (answer.kind == Kind::relation || reference.kind == Kind::relation) return same_relation(answer, reference);
    if (is_real_set(answer) || is_real_set(reference)) return same_sets(answer, reference);
    if (answer.kind == Kind::tuple || reference.kind == Kind::tuple || answer.kind == Kind::matrix ||
        reference.kind == Kind::matrix) {
      return same_structure(answer, reference);
    }
    if (answer.kind == Kind::text || reference.kind == Kind::text || answer.kind == Kind::choice ||
        reference.kind == Kind::choice) {
      return answer.kind == reference.kind && answer.name == reference.name;
    }
    if (answer.kind == Kind::ratio || reference.kind == Kind::ratio) return same_ratio(answer, reference);
    const bool negative = answer.kind == Kind::negative && reference.kind == Kind::negative;
    if (negative &&
        (answer.children[0].kind == Kind::based_number || reference.children[0].kind == Kind::based_number)) {
      return same(answer.children[0], reference.children[0]);
    }
    if (answer.kind == Kind::based_number || reference.kind == Kind::based_number)
      return same_digits(answer, reference);
    if (is_infinite(answer) || is_infinite(reference)) {
      const bool equal = order(answer, reference, budget_) == 0;
      return say(equal, equal ? "the same end" : normal_form(answer) + " is not " + normal_form(reference));
    }
    return same_number(with_letter_unit(answer, reference), with_letter_unit(reference, answer));
  }

  const std::string& why() const { return why_; }
  const std::optional<Side>& undefined() const { return undefined_; }

 private:
  bool say(bool verdict, const std::string& why) {
    why_ = why;
    return verdict;
  }

  bool same_listing(const Node& answer, const Node& reference) {
    const bool ordered = (answer.kind == Kind::tuple && reference.kind == Kind::list) ||
                         (answer.kind == Kind::list && reference.kind == Kind::tuple);
    if (ordered && !has_plus_minus(answer) && !has_plus_minus(reference)) {
      return same_in_order(answer.children, reference.children);
    }
    if (reference.kind == Kind::relation || answer.kind == Kind::relation || is_real_set(answer) ||
        is_real_set(reference)) {
      if (same_sets_if_readable(answer, reference)) return say(true, "the same set of real numbers");
    }
    std::vector<Node> left = listed(answer);
    std::vector<Node> right = listed(reference);
    // In "x = 1, 2" the name belongs to every element; in "f(x) = x, g(x) = 1" the names tell the elements apart.
    for (std::vector<Node>* side : {&left, &right}) {
      strip_common_name(*side);
      strict_names_ = strict_names_ || (side->size() > 1 && lists_relations(Node{Kind::list, "", *side, {}}));
    }
    if (answer.kind == Kind::set || reference.kind == Kind::set) {
      drop_repeated(left);
      drop_repeated(right);
    }
    if (left.size() != right.size()) {
      return say(false, "the answer has " + std::to_string(left.size()) + " elements, the reference " +
                            std::to_string(right.size()));
    }
    std::vector<bool> used(right.size(), false);
    for (const Node& element : left) {
      bool found = false;
      for (std::size_t k = 0; k < right.size() && !found; ++k) {
        if (!used[k] && same(element, right[k])) used[k] = found = true;
      }
      if (!found) return say(false, normal_form(element) + " is no element of the reference");
    }
    return say(true, "the same elements");
  }

  void drop_repeated(std::vector<Node>& elements) {
    std::vector<Node> kept;
    for (Node& element : elements) {
      const bool known = std::any_of(kept.begin(), kept.end(), [&](const Node& other) { return same(element, other); });
      if (!known) kept.push_back(std::move(element));
    }
    elements = std::move(kept);
  }

  void strip_common_name(std::vector<Node>& elements) const {
    const bool first_named = !elements.empty() && elements[0].kind == Kind::relation && elements[0].name == "=" &&
                             is_head(elements[0].children[0]);
    if (!first_named) return;
    const std::string name = normal_form(elements[0].children[0]);
    const bool common = std::all_of(elements.begin(), elements.end(), [&](const Node& element) {
      return element.kind != Kind::relation || (element.name == "=" && normal_form(element.children[0]) == name);
    });
    if (!common) return;
    for (Node& element : elements) {
      if (element.kind == Kind::relation) {
        Node value = element.children[1];
        element = std::move(value);
      }
    }
  }

  bool same_in_order(const std::vector<Node>& left, const std::vector<Node>& right) {
    if (left.size() != right.size()) {
      return say(false, "the answer has " + std::to_string(left.size()) + " elements, the reference " +
                            std::to_string(right.size()));
    }
    for (std::size_t k = 0; k < left.size(); ++k) {
      if (!same(left[k], right[k])) {
        return say(false, "element " + std::to_string(k + 1) + ": " + normal_form(left[k]) + " is not " +
                              normal_form(right[k]));
      }
    }
    return say(true, "the same elements in the same order");
  }

  bool same_relation(const Node& answer, const Node& reference) {
    const Node* answer_value = reference.kind == Kind::relation ? named_value(answer) : stated_value(answer);
    const Node* reference_value = answer.kind == Kind::relation ? named_value(reference) : stated_value(reference);
    if (answer.kind != Kind::relation) {
      return reference_value != nullptr ? same(answer, *reference_value) : same_sets_if_readable(answer, reference);
    }
    if (reference.kind != Kind::relation) {
      return answer_value != nullptr ? same(*answer_value, reference) : same_sets_if_readable(answer, reference);
    }
    if (normal_form(answer) == normal_form(reference)) return say(true, "the same relation");
    if (same_sets_if_readable(answer, reference)) return say(true, "the same set of real numbers");
    if (answer.name != reference.name && answer.name.size() != 1) return say(false, "other relations");
    if (answer.name.size() > 1 || reference.name.size() > 1) {
      return answer.name == reference.name && same_in_order(answer.children, reference.children);
    }
    if (answer_value != nullptr && reference_value != nullptr && same_names(answer, reference)) {
      return same(*answer_value, *reference_value);
    }
    return proportional(answer, reference);
  }

  // Whether two equations name the same: one name, or y and f(x).
  bool same_names(const Node& answer, const Node& reference) const {
    const auto name = [](const Node& node) -> const Node& {
      return is_head(node.children[0]) ? node.children[0] : node.children[1];
    };
    const Node& left = name(answer);
    const Node& right = name(reference);
    const auto is_function = [](const Node& node) { return node.kind == Kind::product || node.name == "y"; };
    return normal_form(left) == normal_form(right) || (!strict_names_ && is_function(left) && is_function(right));
  }

  // left - right of one relation is a constant times that of the other; for < and > the sign of it decides.
  bool proportional(const Node& answer, const Node& reference) {
    const auto turned = [](char sign) {
      const std::string_view from = "<>lg=!:";
      const std::string_view to = "><gl=!:";
      return to[from.find(sign)];
    };
    const std::optional<int> ratio = constant_ratio(minus(answer.children[0], answer.children[1]),
                                                    minus(reference.children[0], reference.children[1]), budget_);
    if (!ratio) return say(false, "the relations say different things");
    const char sign = *ratio > 0 ? answer.name[0] : turned(answer.name[0]);
    return say(sign == reference.name[0], sign == reference.name[0] ? "one relation is a multiple of the other"
                                                                    : "the relation points the other way");
  }

  bool same_sets_if_readable(const Node& answer, const Node& reference) {
    std::set<std::string> left_names;
    std::set<std::string> right_names;
    collect_names(answer, left_names);
    collect_names(reference, right_names);
    const bool one_name = left_names.size() <= 1 && right_names.size() <= 1 &&
                          (left_names.empty() || right_names.empty() || left_names == right_names);
    if (!one_name) return say(false, "they speak of different variables");
    const std::optional<RealSet> left = real_set(answer, budget_);
    const std::optional<RealSet> right = real_set(reference, budget_);
    if (!left || !right) return say(false, "one is a relation that the other does not state");
    const bool equal = same_real_sets(*left, *right, budget_);
    return say(equal, equal ? "the same set of real numbers" : "other sets of real numbers");
  }

  // Unions, differences and intervals; pairs such as (1, 2) may also be points.
  bool same_sets(const Node& answer, const Node& reference) {
    if (answer.kind == Kind::tuple && reference.kind == Kind::tuple) return same_structure(answer, reference);
    if (same_sets_if_readable(answer, reference)) return true;
    const std::string why = why_;
    if (answer.kind == reference.kind && answer.children.size() == reference.children.size() &&
        answer.kind == Kind::union_of && !real_set(answer, budget_) && !real_set(reference, budget_)) {
      return same_listing(Node{Kind::list, "", answer.children, {}}, Node{Kind::list, "", reference.children, {}});
    }
    if (answer.kind == Kind::difference && reference.kind == Kind::difference) {
      return same_in_order(answer.children, reference.children);
    }
    return say(false, why);
  }

  bool same_structure(const Node& answer, const Node& reference) {
    const std::optional<std::vector<Node>> left_column = column(answer);
    const std::optional<std::vector<Node>> right_column = column(reference);
    const bool mixed = answer.kind != reference.kind;
    if (mixed && left_column && right_column) return same_in_order(*left_column, *right_column);
    if (mixed) return say(false, "one is a tuple, interval or matrix, the other is not");
    if (answer.kind == Kind::tuple && answer.name != reference.name) {
      return say(false, "the brackets differ: " + answer.name + " is not " + reference.name);
    }
    if (answer.kind == Kind::matrix) {
      if (answer.children.size() != reference.children.size()) return say(false, "the matrices differ in size");
      for (std::size_t k = 0; k < answer.children.size(); ++k) {
        if (!same_in_order(answer.children[k].children, reference.children[k].children)) return false;
      }
      return say(true, "the same matrix");
    }
    return same_in_order(answer.children, reference.children);
  }

  // The entries of a tuple, or of a matrix of one column or row.
  static std::optional<std::vector<Node>> column(const Node& node) {
    if (node.kind == Kind::tuple && node.name == "()") return node.children;
    if (node.kind != Kind::matrix) return std::nullopt;
    if (node.children.size() == 1) return node.children[0].children;
    std::vector<Node> entries;
    for (const Node& row : node.children) {
      if (row.children.size() != 1) return std::nullopt;
      entries.push_back(row.children[0]);
    }
    return entries;
  }

  // "2:6" is "1:3" and 1/3; with three parts, a zero or a time of day (its unit says so) the parts must agree.
  bool same_ratio(const Node& answer, const Node& reference) {
    const auto quotient = [](const Node& node) -> std::optional<Node> {
      if (node.kind != Kind::ratio) return node;
      if (node.children.size() != 2 || exact_form(node.children[1]) == "0") return std::nullopt;
      for (const Node& part : node.children) {
        if (!part.unit.empty()) return std::nullopt;
      }
      return Node{Kind::quotient, "", node.children, {}};
    };
    const std::optional<Node> left = quotient(answer);
    const std::optional<Node> right = quotient(reference);
    if (left && right) return same_number(*left, *right);
    return answer.kind == reference.kind && same_in_order(answer.children, reference.children);
  }

  // Digits in a base: the digits and the base must agree; a side may leave the base out.
  bool same_digits(const Node& answer, const Node& reference) {
    const bool both = answer.kind == reference.kind;
    if (both && answer.children[0].name != reference.children[0].name) return say(false, "the bases differ");
    const bool digits =
        answer.name == reference.name && (both || answer.kind == Kind::number || reference.kind == Kind::number);
    return say(digits, digits ? "the same digits" : "other digits");
  }

  bool same_number(const Node& answer, const Node& reference) {
    if (const std::optional<double> factor = unit_factor(answer.unit, reference.unit)) {
      if (*factor == 0.0) return say(false, "the units differ: " + answer.unit + " is not " + reference.unit);
      if (std::abs(*factor - 1.0) > 1e-9) {
        const std::optional<double> left = distance(answer, Node{Kind::number, "0", {}, {}}, budget_);
        const std::optional<double> gap = distance(reference, Node{Kind::number, "0", {}, {}}, budget_);
        const bool equal = left && gap && std::abs(*left * *factor - *gap) <= 1e-9 * std::abs(*gap);
        return say(equal, equal ? "equal in other units" : "not equal in one unit");
      }
    }
    if (same_expression(answer, reference)) return true;
    const std::string why = why_;
    const std::optional<Side> undefined = undefined_;
    // "50%" and "90 degrees" may be meant as 50 and 90: right where only one side writes the sign.
    for (const Kind sign : {Kind::percent, Kind::degrees}) {
      if ((answer.kind == sign) == (reference.kind == sign)) continue;
      const Node& left = answer.kind == sign ? answer.children[0] : answer;
      const Node& right = reference.kind == sign ? reference.children[0] : reference;
      if (same_expression(left, right))
        return say(true, sign == Kind::percent ? "equal but for %" : "equal but for degrees");
    }
    undefined_ = undefined;
    return say(false, why);
  }

  // How many of the reference's units the answer's unit is; 0 where they measure different things; none where a side
  // has no unit or one that we do not know.
  static std::optional<double> unit_factor(const std::string& answer, const std::string& reference) {
    const UnitScale left = unit_scale(answer);
    const UnitScale right = unit_scale(reference);
    if (left.dimension.empty() || right.dimension.empty()) return std::nullopt;
    return left.dimension == right.dimension ? left.factor / right.factor : 0.0;
  }

  bool same_expression(const Node& answer, const Node& reference) {
    if (answer.unit.empty() && reference.unit.empty() && normal_form(answer) == normal_form(reference)) {
      return say(defined(answer), "the same expression");
    }
    const std::optional<std::string> left = exact_form(answer);
    const std::optional<std::string> right = exact_form(reference);
    if (left && right && *left == *right) return say(true, "equal exactly");
    const bool exact = left && right;
    const Sameness found = exact ? Sameness::different : same_value(answer, reference, budget_);
    if (found == Sameness::same) return say(true, "equal by evaluation");
    if (found == Sameness::left_undefined) undefined_ = Side::answer;
    if (found == Sameness::right_undefined) undefined_ = Side::reference;
    if (rounds_to(answer, reference)) return true;
    return say(false, normal_form(answer) + " is not " + normal_form(reference));
  }

  // An expression without variables must have a value: 1/0 is not 1/0. Symbols and infinity stand for themselves.
  bool defined(const Node& node) {
    const bool opaque = any_node(node, [](const Node& inner) {
      return inner.kind == Kind::symbol || (inner.kind == Kind::constant && inner.name == "infinity") ||
             inner.kind == Kind::text || inner.kind == Kind::tuple || inner.kind == Kind::set;
    });
    if (opaque || exact_form(node)) return true;
    const Sameness found = same_value(node, node, budget_);
    if (found == Sameness::left_undefined || found == Sameness::right_undefined) undefined_ = Side::answer;
    return !undefined_;
  }

  bool rounds_to(const Node& answer, const Node& reference) {
    const std::optional<double> gap = distance(answer, reference, budget_);
    if (!gap) return false;
    constexpr double kSlack = 1.0 + 1e-9;  // for what a double cannot hold of half a digit
    if (options_.tolerance > 0.0 && *gap <= options_.tolerance * kSlack) return say(true, "within the tolerance");
    const auto close = [&](const Node& rounded, int least) {
      const Node& literal = literal_in(rounded);
      const double scale = rounded.kind == Kind::percent   ? 0.01
                           : rounded.kind == Kind::degrees ? 0.017453292519943295
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

  const GradeOptions& options_;
  Budget& budget_;
  bool strict_names_ = false;  // y and f(x) are not one name
  std::string why_;
  std::optional<Side> undefined_;
};

}  // namespace

Comparison compare_answers(const Node& answer, const Node& reference, const GradeOptions& options, Budget& budget) {
  Comparer comparer(options, budget);
  Comparison result;
  result.same = comparer.same(answer, reference);
  result.reason = comparer.why();
  if (!result.same) result.undefined = comparer.undefined();
  if (result.reason.empty())
    result.reason = result.same ? "the same" : normal_form(answer) + " is not " + normal_form(reference);
  return result;
}

}  // namespace endorm
