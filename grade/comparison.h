#pragma once

#include <optional>
#include <string>

#include "grade/expression.h"
#include "grade/grade.h"
#include "grade/numeric.h"

namespace endorm {

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
