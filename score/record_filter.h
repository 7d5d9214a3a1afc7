#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "score/score_table.h"

namespace endorm {

// The reward of a record: of a pair that of the chosen response, else the best one's. Its margin: of a pair the chosen
// response's reward less the other's, else the best one's less the worst one's. NaN where a response that it needs has
// none.
double reward_of(const RecordScores& record);
double margin_of(const RecordScores& record);  // NaN, too, of a single response

// What a record must be to be kept: all that is set.
struct FilterRules {
  std::optional<double> min_reward = {};
  std::optional<double> max_reward = {};
  std::optional<double> min_margin = {};
  std::optional<double> max_margin = {};
  std::optional<double> from_quantile = {};  // its reward is at least this quantile (0 to 1) of all records' rewards
  std::optional<double> to_quantile = {};    // and at most this one
  bool agrees = false;                       // a pair whose chosen response has the higher reward
  bool disagrees = false;                    // a pair whose rejected response has it
};

enum class FilterVerdict {
  kKeep,
  kDrop,
  kUnknown,  // it lacks what a rule asks for: a reward, two responses, a label
};

class RecordFilter {
 public:
  // Quantiles are taken over the records of the table that have a reward; between two of them a quantile is
  // interpolated, as numpy.quantile does.
  RecordFilter(FilterRules rules, const ScoreTable& table);

  FilterVerdict verdict(const RecordScores& record) const;

 private:
  FilterRules rules_;
  std::optional<double> least_;  // reward, where quantiles ask for one
  std::optional<double> most_;
};

// The places of the `count` best responses, in the order of the record; equal ones in their own order.
std::vector<std::size_t> best_responses(const RecordScores& record, std::size_t count);

}  // namespace endorm
