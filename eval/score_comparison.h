#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/statistics.h"
#include "score/score_table.h"

namespace endorm {

// What one result file says of its records.
struct ScoreSummary {
  std::size_t records = 0;
  std::size_t unscored = 0;           // of these, with a response without reward, or an error
  std::size_t right = 0;              // pairs whose chosen response has the higher reward
  std::size_t ties = 0;               // pairs whose responses have the same one: not right
  std::size_t pairs = 0;              // with both rewards
  std::optional<double> accuracy;     // right / pairs
  std::optional<Interval> interval;   // Wilson's, at 95 %
  std::optional<double> mean_margin;  // margin_of, in the units of this file's rewards; over records that have one
};

// What two result files say of the records that have every reward in both.
struct ScoreAgreement {
  std::size_t first = 0;  // places of the files
  std::size_t second = 0;
  std::size_t records = 0;          // with two or more responses
  std::optional<double> same_best;  // share of the records with the same best response, or the same ones
  std::optional<double> kendall;    // mean over records of kendall_tau of their rewards
  std::size_t pairs = 0;            // of these records, with a label
  std::size_t right_first_only = 0;
  std::size_t right_second_only = 0;
  std::optional<double> p_value;       // exact McNemar; none without pairs
  std::optional<double> holm_p_value;  // of all agreements of the comparison
};

struct ScoreComparison {
  std::vector<ScoreSummary> files;
  std::vector<ScoreAgreement> agreements;  // of every two
};

// Result files of the same data, a table each, by different models or settings. Every record counts as independent.
// Throws InvalidInput where two tables have another record at the same line, or as one record other numbers of
// responses.
ScoreComparison compare_scores(std::span<const ScoreTable> tables);

}  // namespace endorm
