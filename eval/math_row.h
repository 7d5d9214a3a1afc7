#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "eval/math_problem.h"
#include "grade/grade.h"

namespace endorm {

// One answer of a model, graded.
struct MathSample {
  std::string text;
  std::size_t tokens = 0;  // without the one that ended the turn
  Tokens ids;              // those that were drawn, up to a stop string; the one that ended the turn behind them
  CompletionEnd end = CompletionEnd::kLength;
  Verdict verdict = Verdict::kUnparsable;
  std::string answer_normal;        // Grade::answer_normal; empty where it is unparsable
  std::string reason;               // Grade::reason
  std::optional<std::size_t> vote;  // the first sample with an equal answer; none: unparsable, it does not vote
};

// A problem with all of its samples; or why there are none.
struct MathRow {
  MathProblem problem;
  std::vector<MathSample> samples;  // [k]; empty where error says why
  std::string error;
};

// Fills verdict, answer_normal, reason and vote of every sample from its text. Two answers are equal where the normal
// form of one is right, with the problem's tolerance, as an answer to the other; a sample joins the first class whose
// first member it equals.
void grade_samples(MathRow& row);

// The expected share of right answers when the vote of the samples is followed: 1 or 0, or the share of right ones
// among classes that tie at the top. A class is as right as its first member. 0 where nobody votes.
struct VoteResult {
  double credit = 0.0;
  bool tie = false;
};
VoteResult vote_result(const MathRow& row);

// A row as a JSON line without newline; docs/math.md has the fields. Numbers read back as they were.
std::string math_row_json(const MathRow& row);
// Throws InvalidInput where the line is no such row, naming the field.
MathRow read_math_row(std::string_view line);

}  // namespace endorm
