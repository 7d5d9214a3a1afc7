// Lists and sets, and what is compared element by element; equations and inequalities.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "grade/answer_relations.h"
#include "grade/comparer.h"
#include "grade/interval_sets.h"
#include "grade/normal_form.h"

namespace endorm {
namespace {

Node minus(const Node& left, const Node& right) {
  return Node{Kind::kSum, "", {left, Node{Kind::kNegative, "", {right}, {}}}, {}};
}

}  // namespace

bool Comparer::same_listing(const Node& answer, const Node& reference) {
  const bool ordered = (answer.kind == Kind::kTuple && reference.kind == Kind::kList) ||
                       (answer.kind == Kind::kList && reference.kind == Kind::kTuple);
  if (ordered && !has_plus_minus(answer) && !has_plus_minus(reference)) {
    return same_in_order(answer.children, reference.children);
  }
  if (reference.kind == Kind::kRelation || answer.kind == Kind::kRelation || is_real_set(answer) ||
      is_real_set(reference)) {
    if (same_sets_if_readable(answer, reference)) {
      return say(true, "the same set of real numbers");
    }
  }
  std::vector<Node> left = listed(answer);
  std::vector<Node> right = listed(reference);
  // In "x = 1, 2" the name belongs to every element; in "f(x) = x, g(x) = 1" the names tell the elements apart.
  for (std::vector<Node>* side : {&left, &right}) {
    strip_common_name(*side);
    strict_names_ = strict_names_ || (side->size() > 1 && lists_relations(Node{Kind::kList, "", *side, {}}));
  }
  if (answer.kind == Kind::kSet || reference.kind == Kind::kSet) {
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
      if (!used[k] && same(element, right[k])) {
        used[k] = found = true;
      }
    }
    if (!found) {
      return say(false, normal_form(element) + " is no element of the reference");
    }
  }
  return say(true, "the same elements");
}

void Comparer::drop_repeated(std::vector<Node>& elements) {
  std::vector<Node> kept;
  for (Node& element : elements) {
    const bool known = std::any_of(kept.begin(), kept.end(), [&](const Node& other) { return same(element, other); });
    if (!known) {
      kept.push_back(std::move(element));
    }
  }
  elements = std::move(kept);
}

void Comparer::strip_common_name(std::vector<Node>& elements) const {
  const bool first_named = !elements.empty() && elements[0].kind == Kind::kRelation && elements[0].name == "=" &&
                           is_head(elements[0].children[0]);
  if (!first_named) {
    return;
  }
  const std::string name = normal_form(elements[0].children[0]);
  const bool common = std::all_of(elements.begin(), elements.end(), [&](const Node& element) {
    return element.kind != Kind::kRelation || (element.name == "=" && normal_form(element.children[0]) == name);
  });
  if (!common) {
    return;
  }
  for (Node& element : elements) {
    if (element.kind == Kind::kRelation) {
      Node value = element.children[1];
      element = std::move(value);
    }
  }
}

bool Comparer::same_in_order(const std::vector<Node>& left, const std::vector<Node>& right) {
  if (left.size() != right.size()) {
    return say(false, "the answer has " + std::to_string(left.size()) + " elements, the reference " +
                          std::to_string(right.size()));
  }
  for (std::size_t k = 0; k < left.size(); ++k) {
    if (!same(left[k], right[k])) {
      return say(false,
                 "element " + std::to_string(k + 1) + ": " + normal_form(left[k]) + " is not " + normal_form(right[k]));
    }
  }
  return say(true, "the same elements in the same order");
}

bool Comparer::same_relation(const Node& answer, const Node& reference) {
  const Node* answer_value = reference.kind == Kind::kRelation ? named_value(answer) : stated_value(answer);
  const Node* reference_value = answer.kind == Kind::kRelation ? named_value(reference) : stated_value(reference);
  if (answer.kind != Kind::kRelation) {
    return reference_value != nullptr ? same(answer, *reference_value) : same_sets_if_readable(answer, reference);
  }
  if (reference.kind != Kind::kRelation) {
    return answer_value != nullptr ? same(*answer_value, reference) : same_sets_if_readable(answer, reference);
  }
  if (normal_form(answer) == normal_form(reference)) {
    return say(true, "the same relation");
  }
  if (same_sets_if_readable(answer, reference)) {
    return say(true, "the same set of real numbers");
  }
  if (answer.name != reference.name && answer.name.size() != 1) {
    return say(false, "other relations");
  }
  if (answer.name.size() > 1 || reference.name.size() > 1) {
    return answer.name == reference.name && same_in_order(answer.children, reference.children);
  }
  if (answer_value != nullptr && reference_value != nullptr && same_names(answer, reference)) {
    return same(*answer_value, *reference_value);
  }
  return proportional(answer, reference);
}

bool Comparer::same_names(const Node& answer, const Node& reference) const {
  const auto name = [](const Node& node) -> const Node& {
    return is_head(node.children[0]) ? node.children[0] : node.children[1];
  };
  const Node& left = name(answer);
  const Node& right = name(reference);
  const auto is_function = [](const Node& node) { return node.kind == Kind::kProduct || node.name == "y"; };
  return normal_form(left) == normal_form(right) || (!strict_names_ && is_function(left) && is_function(right));
}

bool Comparer::proportional(const Node& answer, const Node& reference) {
  const auto turned = [](char sign) {
    const std::string_view from = "<>lg=!:";
    const std::string_view to = "><gl=!:";
    return to[from.find(sign)];
  };
  const std::optional<int> ratio = constant_ratio(minus(answer.children[0], answer.children[1]),
                                                  minus(reference.children[0], reference.children[1]), budget_);
  if (!ratio) {
    return say(false, "the relations say different things");
  }
  const char sign = *ratio > 0 ? answer.name[0] : turned(answer.name[0]);
  return say(sign == reference.name[0], sign == reference.name[0] ? "one relation is a multiple of the other"
                                                                  : "the relation points the other way");
}

bool Comparer::same_sets_if_readable(const Node& answer, const Node& reference) {
  std::set<std::string> left_names;
  std::set<std::string> right_names;
  collect_names(answer, left_names);
  collect_names(reference, right_names);
  const bool one_name = left_names.size() <= 1 && right_names.size() <= 1 &&
                        (left_names.empty() || right_names.empty() || left_names == right_names);
  if (!one_name) {
    return say(false, "they speak of different variables");
  }
  const std::optional<RealSet> left = real_set(answer, budget_);
  const std::optional<RealSet> right = real_set(reference, budget_);
  if (!left || !right) {
    return say(false, "one is a relation that the other does not state");
  }
  const bool equal = same_real_sets(*left, *right, budget_);
  return say(equal, equal ? "the same set of real numbers" : "other sets of real numbers");
}

}  // namespace endorm
