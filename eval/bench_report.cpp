#include "eval/bench_report.h"

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

}  // namespace

void measure_report(BenchReport& report, const MetricOptions& options) {
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
}

}  // namespace endorm
