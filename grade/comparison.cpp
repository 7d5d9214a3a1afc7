#include <utility>

#include "grade/answer_relations.h"
#include "grade/comparer.h"
#include "grade/interval_sets.h"
#include "grade/names.h"
#include "grade/normal_form.h"

namespace endorm {
namespace {

// "5 m" was read as a product of 5 and a variable m; beside an answer that states a unit it is 5 metres.
Node with_letter_unit(const Node& node, const Node& other) {
  const bool letter = node.unit.empty() && !other.unit.empty() && node.kind == Kind::kProduct &&
                      node.children.size() == 2 && node.children[0].kind == Kind::kNumber &&
                      node.children[1].kind == Kind::kSymbol && !unit_scale(node.children[1].name).dimension.empty();
  if (!letter) {
    return node;
  }
  Node amount = node.children[0];
  amount.unit = node.children[1].name;
  return amount;
}

}  // namespace

bool Comparer::same(const Node& answer, const Node& reference) {
  budget_.spend(1);
  const auto either = [&](Kind kind) { return answer.kind == kind || reference.kind == kind; };
  if (lists_relations(answer) && reference.kind == Kind::kRelation) {
    return same_listing(answer, without_tuples(reference));
  }
  if (lists_relations(reference) && answer.kind == Kind::kRelation) {
    return same_listing(without_tuples(answer), reference);
  }
  if (is_listing(answer) || is_listing(reference)) {
    return same_listing(answer, reference);
  }
  if (either(Kind::kRelation)) {
    return same_relation(answer, reference);
  }
  if (is_real_set(answer) || is_real_set(reference)) {
    return same_sets(answer, reference);
  }
  if (either(Kind::kTuple) || either(Kind::kMatrix)) {
    return same_structure(answer, reference);
  }
  if (either(Kind::kText) || either(Kind::kChoice)) {
    return answer.kind == reference.kind && answer.name == reference.name;
  }
  if (either(Kind::kRatio)) {
    return same_ratio(answer, reference);
  }
  const bool negative = answer.kind == Kind::kNegative && reference.kind == Kind::kNegative;
  if (negative && (answer.children[0].kind == Kind::kBasedNumber || reference.children[0].kind == Kind::kBasedNumber)) {
    return same(answer.children[0], reference.children[0]);
  }
  if (either(Kind::kBasedNumber)) {
    return same_digits(answer, reference);
  }
  if (infinity_sign(answer) != 0 || infinity_sign(reference) != 0) {
    const bool equal = order(answer, reference, budget_) == 0;
    return say(equal, equal ? "the same end" : normal_form(answer) + " is not " + normal_form(reference));
  }
  return same_number(with_letter_unit(answer, reference), with_letter_unit(reference, answer));
}

bool Comparer::same_sets(const Node& answer, const Node& reference) {
  if (answer.kind == Kind::kTuple && reference.kind == Kind::kTuple) {
    return same_structure(answer, reference);
  }
  if (same_sets_if_readable(answer, reference)) {
    return true;
  }
  const std::string why = why_;
  if (answer.kind == reference.kind && answer.children.size() == reference.children.size() &&
      answer.kind == Kind::kUnionOf && !real_set(answer, budget_) && !real_set(reference, budget_)) {
    return same_listing(Node{Kind::kList, "", answer.children, {}}, Node{Kind::kList, "", reference.children, {}});
  }
  if (answer.kind == Kind::kDifference && reference.kind == Kind::kDifference) {
    return same_in_order(answer.children, reference.children);
  }
  return say(false, why);
}

bool Comparer::same_structure(const Node& answer, const Node& reference) {
  const std::optional<std::vector<Node>> left_column = column(answer);
  const std::optional<std::vector<Node>> right_column = column(reference);
  const bool mixed = answer.kind != reference.kind;
  if (mixed && left_column && right_column) {
    return same_in_order(*left_column, *right_column);
  }
  if (mixed) {
    return say(false, "one is a tuple, interval or matrix, the other is not");
  }
  if (answer.kind == Kind::kTuple && answer.name != reference.name) {
    return say(false, "the brackets differ: " + answer.name + " is not " + reference.name);
  }
  if (answer.kind == Kind::kMatrix) {
    if (answer.children.size() != reference.children.size()) {
      return say(false, "the matrices differ in size");
    }
    for (std::size_t k = 0; k < answer.children.size(); ++k) {
      if (!same_in_order(answer.children[k].children, reference.children[k].children)) {
        return false;
      }
    }
    return say(true, "the same matrix");
  }
  return same_in_order(answer.children, reference.children);
}

std::optional<std::vector<Node>> Comparer::column(const Node& node) {
  if (node.kind == Kind::kTuple && node.name == "()") {
    return node.children;
  }
  if (node.kind != Kind::kMatrix) {
    return std::nullopt;
  }
  if (node.children.size() == 1) {
    return node.children[0].children;
  }
  std::vector<Node> entries;
  for (const Node& row : node.children) {
    if (row.children.size() != 1) {
      return std::nullopt;
    }
    entries.push_back(row.children[0]);
  }
  return entries;
}

AnswerComparison compare_answers(const Node& answer, const Node& reference, const GradeOptions& options,
                                 Budget& budget) {
  Comparer comparer(options, budget);
  AnswerComparison result;
  result.same = comparer.same(answer, reference);
  result.reason = comparer.why();
  if (!result.same) {
    result.undefined = comparer.undefined();
  }
  if (result.reason.empty()) {
    result.reason = result.same ? "the same" : normal_form(answer) + " is not " + normal_form(reference);
  }
  return result;
}

}  // namespace endorm
