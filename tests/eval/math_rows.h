#pragma once

#include <string>
#include <vector>

#include "engine/content_hash.h"
#include "eval/math_row.h"

namespace endorm::test {

// A problem of the suite "s" whose answer is `reference`.
inline MathProblem problem_of(const std::string& id, const std::string& question, const std::string& reference) {
  MathProblem problem;
  problem.id = "s/" + id;
  problem.key = record_key(id + question);
  problem.suite = "s";
  problem.question = question;
  problem.reference = reference;
  return problem;
}

// A graded row with samples of these texts, all of which ended their turn.
inline MathRow row_of(const std::string& id, const std::string& reference, const std::vector<std::string>& texts) {
  MathRow row;
  row.problem = problem_of(id, "question " + id, reference);
  for (const std::string& text : texts) {
    MathSample& sample = row.samples.emplace_back();
    sample.text = text;
    sample.tokens = text.size();
    sample.end = CompletionEnd::kEndOfTurn;
  }
  grade_samples(row);
  return row;
}

}  // namespace endorm::test
