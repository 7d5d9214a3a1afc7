// Lists and sets, and what is compared element by element.
#include <algorithm>
#include <utility>

#include "grade/answer_relations.h"
#include "grade/comparer.h"
#include "grade/interval_sets.h"
#include "grade/normal_form.h"

namespace endorm {

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

}  // namespace endorm
