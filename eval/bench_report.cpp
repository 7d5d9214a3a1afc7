#include "eval/bench_report.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "eval/benchmark_table.h"

namespace endorm {
namespace {

JudgeCounts count(const std::vector<JudgedExample>& rows) {
  JudgeCounts counts;
  counts.examples = rows.size();
  for (const JudgedExample& row : rows) {
    for (const JudgedResponse& response : row.responses) {
      ++counts.responses;
      counts.failed_responses += response.reward ? 0 : 1;
      counts.unparsed += response.unparsed;
    }
    for (const JudgedComparison& comparison : row.comparisons) {
      counts.failed_comparisons += comparison.margin ? 0 : 1;
      counts.unparsed += comparison.unparsed;
      counts.inconsistent += comparison.inconsistent ? 1 : 0;
    }
  }
  return counts;
}

std::vector<ResponseCounts> count_responses(const std::vector<Example>& examples) {
  std::vector<ResponseCounts> counts;
  for (const Example& example : examples) {
    auto own = std::find_if(counts.begin(), counts.end(),
                            [&](const ResponseCounts& other) { return other.subset == example.subset; });
    if (own == counts.end()) {
      own = counts.insert(counts.end(), ResponseCounts{.subset = example.subset});
    }
    ++own->examples;
    own->failed += example.request.responses.empty() ? 1 : 0;
    own->responses += example.request.responses.size();
    own->correct += static_cast<std::size_t>(std::count(example.correct.begin(), example.correct.end(), true));
    own->unparsable += static_cast<std::size_t>(std::count(example.vote.begin(), example.vote.end(), std::nullopt));
    for (std::size_t i = 0; i < example.request.responses.size(); ++i) {
      const CompletionEnd end = example.drawn ? example.drawn->ends[i] : CompletionEnd::kEndOfTurn;
      own->stopped += end == CompletionEnd::kStop ? 1 : 0;
      own->truncated += end != CompletionEnd::kStop && example.request.responses[i].text.truncated ? 1 : 0;
      own->tokens += example.drawn ? example.drawn->tokens[i] : 0;
    }
  }
  return counts;
}

using FigureKey = std::tuple<std::string, std::string, std::string>;

FigureKey key_of(const Figure& figure) { return {figure.name, figure.group, figure.variant}; }

// p-values of one figure by several judges are a family.
class Families {
 public:
  void add(const Figure& figure, const std::optional<double>& p_value, std::optional<double>& corrected) {
    if (p_value) {
      families_[key_of(figure)].emplace_back(*p_value, &corrected);
    }
  }
  void correct() const {
    for (const auto& [key, members] : families_) {
      std::vector<double> p_values;
      for (const auto& [p_value, corrected] : members) {
        p_values.push_back(p_value);
      }
      const std::vector<double> corrected = holm(p_values);
      for (std::size_t i = 0; i < members.size(); ++i) {
        *members[i].second = corrected[i];
      }
    }
  }

 private:
  std::map<FigureKey, std::vector<std::pair<double, std::optional<double>*>>> families_;
};

void correct_p_values(BenchReport& report) {
  Families figures;
  for (JudgeReport& judge : report.judges) {
    for (Figure& figure : judge.table.figures) {
      figures.add(figure, figure.p_value, figure.holm_p_value);
    }
  }
  figures.correct();
  Families differences;
  for (auto& [second, comparison] : report.comparisons) {
    for (ComparedFigure& figure : comparison.figures) {
      differences.add(figure.first, figure.p_value, figure.holm_p_value);
    }
  }
  differences.correct();
}

}  // namespace

BenchReport report_of(const DataSet& data) {
  BenchReport report;
  report.benchmark = data.benchmark;
  report.faults = data.faults;
  report.notes = data.notes;
  if (benchmark_named("report_of", report.benchmark).plan_without_judge != nullptr) {
    report.responses.emplace().examples = data.examples;
  }
  return report;
}

void measure_report(BenchReport& report, const MetricOptions& options) {
  if (report.responses) {
    report.responses->counts = count_responses(report.responses->examples);
    report.responses->table =
        measure_without_judge(report.benchmark, report.responses->examples, options).value_or(MetricTable{});
  }
  report.comparisons.clear();
  for (JudgeReport& judge : report.judges) {
    judge.counts = count(judge.rows);
    judge.table = measure(report.benchmark, judge.rows, options);
    judge.length_correlations = length_correlations(judge.rows);
    judge.calibration = calibration(judge.rows);
  }
  for (std::size_t i = 1; i < report.judges.size(); ++i) {
    report.comparisons.emplace_back(
        i, compare_judges(report.benchmark, report.judges[0].rows, report.judges[i].rows, options));
  }
  correct_p_values(report);
}

}  // namespace endorm
