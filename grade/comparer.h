#pragma once

#include <optional>
#include <string>
#include <vector>

#include "grade/expression.h"
#include "grade/grade.h"
#include "grade/numeric.h"

namespace endorm {

// Compares two trees, and remembers why they are the same or not.
class Comparer {
 public:
  Comparer(const GradeOptions& options, Budget& budget) : options_(options), budget_(budget) {}

  // The same answer, element by element where they are structures.
  bool same(const Node& answer, const Node& reference);

  const std::string& why() const { return why_; }
  const std::optional<Side>& undefined() const { return undefined_; }

 private:
  bool say(bool verdict, const std::string& why) {
    why_ = why;
    return verdict;
  }

  // comparison.cpp
  // Unions, differences and intervals; pairs such as (1, 2) may also be points.
  bool same_sets(const Node& answer, const Node& reference);
  bool same_structure(const Node& answer, const Node& reference);
  // The entries of a tuple, or of a matrix of one column or row.
  static std::optional<std::vector<Node>> column(const Node& node);

  // list_comparison.cpp
  bool same_listing(const Node& answer, const Node& reference);
  void drop_repeated(std::vector<Node>& elements);
  void strip_common_name(std::vector<Node>& elements) const;
  bool same_in_order(const std::vector<Node>& left, const std::vector<Node>& right);
  bool same_relation(const Node& answer, const Node& reference);
  // Whether two equations name the same: one name, or y and f(x).
  bool same_names(const Node& answer, const Node& reference) const;
  // left - right of one relation is a constant times that of the other; for < and > the sign of it decides.
  bool proportional(const Node& answer, const Node& reference);
  bool same_sets_if_readable(const Node& answer, const Node& reference);

  // number_comparison.cpp
  // "2:6" is "1:3" and 1/3; with three parts, a zero or a time of day (its unit says so) the parts must agree.
  bool same_ratio(const Node& answer, const Node& reference);
  // Digits in a base: the digits and the base must agree; a side may leave the base out.
  bool same_digits(const Node& answer, const Node& reference);
  bool same_number(const Node& answer, const Node& reference);
  // How many of the reference's units the answer's unit is; 0 where they measure different things; none where a side
  // has no unit or one that we do not know.
  static std::optional<double> unit_factor(const std::string& answer, const std::string& reference);
  bool same_expression(const Node& answer, const Node& reference);
  // An expression without variables must have a value: 1/0 is not 1/0. Symbols and infinity stand for themselves.
  bool defined(const Node& node);
  bool rounds_to(const Node& answer, const Node& reference);

  const GradeOptions& options_;
  Budget& budget_;
  bool strict_names_ = false;  // y and f(x) are not one name
  std::string why_;
  std::optional<Side> undefined_;
};

// How two answers compare, and why.
struct AnswerComparison {
  bool same = false;
  std::string reason;             // one line for a person
  std::optional<Side> undefined;  // the side that has no value, such as 1/0
};

// Compares trees by what they say: docs/grading.md lists what is equal to what. Throws TooMuchWork.
AnswerComparison compare_answers(const Node& answer, const Node& reference, const GradeOptions& options,
                                 Budget& budget);

}  // namespace endorm
