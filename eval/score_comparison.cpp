#include "eval/score_comparison.h"

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "score/record_filter.h"

namespace endorm {
namespace {

bool has_all(const RecordScores& record) {
  return !record.scores.empty() &&
         std::none_of(record.scores.begin(), record.scores.end(), [](double score) { return std::isnan(score); });
}

ScoreSummary summary_of(const ScoreTable& table) {
  ScoreSummary summary;
  summary.records = table.size();
  double margins = 0.0;
  std::size_t with_margin = 0;
  for (std::size_t row = 0; row < table.size(); ++row) {
    const RecordScores record = table[row];
    summary.unscored += has_all(record) ? 0 : 1;
    const double margin = margin_of(record);
    if (std::isnan(margin)) {
      continue;
    }
    margins += margin;
    ++with_margin;
    if (record.is_pair) {
      ++summary.pairs;
      summary.right += margin > 0 ? 1 : 0;
      summary.ties += margin == 0 ? 1 : 0;
    }
  }
  if (with_margin > 0) {
    summary.mean_margin = margins / static_cast<double>(with_margin);
  }
  if (summary.pairs > 0) {
    const auto right = static_cast<double>(summary.right);
    const auto pairs = static_cast<double>(summary.pairs);
    summary.accuracy = right / pairs;
    summary.interval = wilson_interval(right, pairs);
  }
  return summary;
}

bool same_best(std::span<const double> first, std::span<const double> second) {
  const double best_of_first = *std::max_element(first.begin(), first.end());
  const double best_of_second = *std::max_element(second.begin(), second.end());
  for (std::size_t i = 0; i < first.size(); ++i) {
    if ((first[i] == best_of_first) != (second[i] == best_of_second)) {
      return false;
    }
  }
  return true;
}

// Sums over the records of two tables.
class Agreeing {
 public:
  void add(const RecordScores& first, const RecordScores& second) {
    if (first.scores.size() < 2 || !has_all(first) || !has_all(second)) {
      return;
    }
    ++agreement_.records;
    same_best_ += same_best(first.scores, second.scores) ? 1 : 0;
    if (const std::optional<double> tau = kendall_tau(first.scores, second.scores)) {
      taus_ += *tau;
      ++with_tau_;
    }
    if (first.is_pair) {
      ++agreement_.pairs;
      const bool first_right = margin_of(first) > 0;
      const bool second_right = margin_of(second) > 0;
      agreement_.right_first_only += first_right && !second_right ? 1 : 0;
      agreement_.right_second_only += second_right && !first_right ? 1 : 0;
    }
  }

  ScoreAgreement result() {
    if (agreement_.records > 0) {
      agreement_.same_best = static_cast<double>(same_best_) / static_cast<double>(agreement_.records);
    }
    if (with_tau_ > 0) {
      agreement_.kendall = taus_ / static_cast<double>(with_tau_);
    }
    if (agreement_.pairs > 0) {
      agreement_.p_value = mcnemar_p_value(agreement_.right_first_only, agreement_.right_second_only);
    }
    return agreement_;
  }

 private:
  ScoreAgreement agreement_;
  std::size_t same_best_ = 0;
  std::size_t with_tau_ = 0;
  double taus_ = 0.0;
};

ScoreAgreement agreement_of(const ScoreTable& first, const ScoreTable& second) {
  Agreeing agreeing;
  std::size_t other = 0;
  for (std::size_t row = 0; row < first.size(); ++row) {
    const RecordScores mine = first[row];
    while (other < second.size() && second[other].line < mine.line) {
      ++other;
    }
    if (other == second.size() || second[other].line != mine.line) {
      continue;
    }
    const RecordScores theirs = second[other];
    const bool both = !mine.scores.empty() && !theirs.scores.empty();
    if (theirs.key != mine.key || (both && theirs.scores.size() != mine.scores.size())) {
      throw InvalidInput("[compare_scores] line " + std::to_string(mine.line) +
                         " of the data is another record in one of the results than in another. Give results of the "
                         "same data, read in the same way.");
    }
    agreeing.add(mine, theirs);
  }
  return agreeing.result();
}

void correct(std::vector<ScoreAgreement>& agreements) {
  std::vector<double> p_values;
  for (const ScoreAgreement& agreement : agreements) {
    if (agreement.p_value) {
      p_values.push_back(*agreement.p_value);
    }
  }
  const std::vector<double> corrected = holm(p_values);
  auto next = corrected.begin();
  for (ScoreAgreement& agreement : agreements) {
    if (agreement.p_value) {
      agreement.holm_p_value = *next++;
    }
  }
}

}  // namespace

ScoreComparison compare_scores(std::span<const ScoreTable> tables) {
  ScoreComparison comparison;
  for (const ScoreTable& table : tables) {
    comparison.files.push_back(summary_of(table));
  }
  for (std::size_t first = 0; first < tables.size(); ++first) {
    for (std::size_t second = first + 1; second < tables.size(); ++second) {
      ScoreAgreement& agreement = comparison.agreements.emplace_back(agreement_of(tables[first], tables[second]));
      agreement.first = first;
      agreement.second = second;
    }
  }
  correct(comparison.agreements);
  return comparison;
}

}  // namespace endorm
