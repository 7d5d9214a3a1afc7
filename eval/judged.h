#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "eval/example.h"

namespace endorm {

// What a judge said of one response.
struct JudgedResponse {
  std::optional<double> reward;       // absent: failed, error says why
  std::size_t characters = 0;         // UTF-8 code points in the response's text
  std::optional<std::size_t> tokens;  // T, where the judge read tokens
  std::vector<std::string> replies;   // what the judge's model wrote
  std::string error;
  std::map<std::string, std::vector<double>> step_scores;  // variant ("sum", "mean", ...) -> [steps], higher is better
  std::size_t unparsed = 0;  // questions about it that got no verdict in any reply: the judge's default stands in
};

// The judge's verdict on a comparison: margin > 0 where it prefers the better one, 0 a tie, absent where it failed.
struct JudgedComparison {
  Comparison comparison;
  std::optional<double> margin;
  // Of a judge that compares two responses at a time:
  std::vector<std::string> replies = {};  // of the model, in the order of the questions
  std::size_t unparsed = 0;
  bool inconsistent = false;  // the verdicts in both orders contradict each other
  std::string error = {};     // where margin is absent
};

// An example with a judge's verdicts: what every figure is computed from, and what a row of a result file holds.
struct JudgedExample {
  std::string id;
  std::string key;  // Request::key
  std::string subset;
  std::string subject = {};
  std::string level = {};
  std::string group;
  std::vector<JudgedResponse> responses;
  std::vector<JudgedComparison> comparisons;
  std::vector<bool> correct;
  std::vector<std::optional<std::size_t>> vote = {};
  std::optional<StepLabel> steps;
};

}  // namespace endorm
