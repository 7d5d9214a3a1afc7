#include "eval/bench_report.h"

#include <utility>

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

JudgeReport report_on(const std::string& benchmark, std::string name, std::string fingerprint,
                      std::vector<JudgedExample> rows, const MetricOptions& options) {
  JudgeReport report;
  report.name = std::move(name);
  report.fingerprint = std::move(fingerprint);
  report.counts = count(rows);
  report.table = measure(benchmark, rows, options);
  report.length_correlations = length_correlations(rows);
  report.calibration = calibration(rows);
  report.rows = std::move(rows);
  return report;
}

void add_comparisons(BenchReport& report, const MetricOptions& options) {
  for (std::size_t i = 1; i < report.judges.size(); ++i) {
    report.comparisons.emplace_back(
        i, compare_judges(report.benchmark, report.judges[0].rows, report.judges[i].rows, options));
  }
}

}  // namespace endorm
