#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grade/grade.h"

namespace endorm {

// One answer among several to a question.
struct GradedAnswer {
  Verdict verdict = Verdict::kUnparsable;
  std::string answer;               // Grade::answer_normal; empty where it is unparsable
  std::string reason;               // Grade::reason
  std::optional<std::size_t> vote;  // the place of the first equal answer; none: unparsable, it does not vote
};

// Answers to one question [k], with the problem's tolerance. Two are equal where the normal form of one is right as an
// answer to the other; an answer joins the first class whose first member it equals.
std::vector<GradedAnswer> grade_answers(std::span<const std::string> texts, const std::string& reference,
                                        double tolerance = 0.0);

}  // namespace endorm
