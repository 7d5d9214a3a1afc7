#include "eval/bench_json.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/message_json.h"
#include "eval/best_of_record.h"
#include "eval/judged_json.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

json number_or_null(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? json(*number) : json(nullptr);
}

json of_interval(const std::optional<Interval>& interval) {
  return interval ? json::array({number_or_null(interval->low), number_or_null(interval->high)}) : json(nullptr);
}

json of_figure(const Figure& figure) {
  json fields = {{"name", figure.name}, {"group", figure.group}};
  if (!figure.variant.empty()) {
    fields["variant"] = figure.variant;
  }
  fields["value"] = number_or_null(figure.value);
  fields["interval"] = of_interval(figure.interval);
  fields["fraction"] = figure.fraction;
  fields["n"] = figure.n;
  fields["ties"] = figure.ties;
  fields["failed"] = figure.failed;
  if (figure.p_value) {
    fields["p_value"] = number_or_null(figure.p_value);
  }
  return fields;
}

json of_figures(const std::vector<Figure>& figures) {
  json list = json::array();
  for (const Figure& figure : figures) {
    list.push_back(of_figure(figure));
  }
  return list;
}

json of_matrix(const Matrix& matrix) {
  return {{"name", matrix.name},
          {"group", matrix.group},
          {"row", matrix.row},
          {"column", matrix.column},
          {"rows", matrix.rows},
          {"columns", matrix.columns},
          {"cells", of_figures(matrix.cells)}};
}

json of_counts(const JudgeCounts& counts) {
  return {{"examples", counts.examples},
          {"responses", counts.responses},
          {"failed_responses", counts.failed_responses},
          {"failed_comparisons", counts.failed_comparisons},
          {"unparsed", counts.unparsed},
          {"inconsistent", counts.inconsistent}};
}

json of_length(const LengthCorrelation& length) {
  return {{"unit", length.unit},
          {"n", length.n},
          {"n_within", length.n_within},
          {"pearson", number_or_null(length.pearson)},
          {"spearman", number_or_null(length.spearman)},
          {"pearson_within", number_or_null(length.pearson_within)},
          {"spearman_within", number_or_null(length.spearman_within)}};
}

json of_calibration(const Calibration& calibration) {
  json bins = json::array();
  for (const CalibrationBin& bin : calibration.bins) {
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"n", bin.n},
                    {"confidence", bin.confidence},
                    {"accuracy", bin.accuracy}});
  }
  return {{"n", calibration.n},
          {"ties", calibration.ties},
          {"expected_error", number_or_null(calibration.expected_error)},
          {"bins", bins}};
}

// Reward against length, for a plot: at most so many responses, evenly taken from all of them.
json reward_length(const std::vector<JudgedExample>& rows) {
  constexpr std::size_t kMost = 500;
  std::vector<const JudgedResponse*> responses;
  for (const JudgedExample& row : rows) {
    for (const JudgedResponse& response : row.responses) {
      if (response.reward) {
        responses.push_back(&response);
      }
    }
  }
  json points = json::array();
  const std::size_t taken = std::min(kMost, responses.size());
  for (std::size_t i = 0; i < taken; ++i) {
    const JudgedResponse& response = *responses[i * responses.size() / taken];
    points.push_back({response.characters, *response.reward});
  }
  return points;
}

json of_judge(const JudgeReport& judge, bool rows) {
  json fields = {{"name", judge.name}, {"fingerprint", judge.fingerprint}, {"counts", of_counts(judge.counts)}};
  fields["figures"] = of_figures(judge.table.figures);
  fields["matrices"] = json::array();
  for (const Matrix& matrix : judge.table.matrices) {
    fields["matrices"].push_back(of_matrix(matrix));
  }
  fields["notes"] = judge.table.notes;
  fields["length_correlations"] = json::array();
  for (const LengthCorrelation& length : judge.length_correlations) {
    fields["length_correlations"].push_back(of_length(length));
  }
  fields["calibration"] = of_calibration(judge.calibration);
  fields["reward_length"] = reward_length(judge.rows);
  if (rows) {
    fields["rows"] = json::array();
    for (const JudgedExample& row : judge.rows) {
      fields["rows"].push_back(judged_json(row));
    }
  }
  return fields;
}

json of_comparison(const BenchReport& report, std::size_t second, const JudgeComparison& comparison) {
  json figures = json::array();
  for (const ComparedFigure& figure : comparison.figures) {
    figures.push_back({{"first", of_figure(figure.first)},
                       {"second", of_figure(figure.second)},
                       {"difference", number_or_null(figure.difference)},
                       {"interval", of_interval(figure.interval)},
                       {"p_value", number_or_null(figure.p_value)}});
  }
  return {{"first", report.judges[0].name},
          {"second", report.judges[second].name},
          {"examples", comparison.examples},
          {"first_only", comparison.first_only},
          {"second_only", comparison.second_only},
          {"figures", figures},
          {"mcnemar",
           {{"right_first_only", comparison.right_first_only},
            {"right_second_only", comparison.right_second_only},
            {"p_value", comparison.mcnemar_p_value},
            {"clustered", comparison.clustered}}},
          {"notes", comparison.notes}};
}

json of_sweep(const SweepReport& sweep) {
  json rows = json::array();
  for (const SweepRow& row : sweep.rows) {
    json fields = {{"aggregation", std::string(aggregation_name(row.setting.aggregation))}};
    if (row.setting.aggregation == Aggregation::kDiscounted) {
      fields["gamma"] = row.setting.gamma;
    }
    fields["alpha"] = row.setting.alpha;
    fields["selection"] = number_or_null(row.selection);
    fields["reporting"] = of_figure(row.reporting);
    rows.push_back(std::move(fields));
  }
  return {{"figure", sweep.figure}, {"rows", rows}, {"chosen", sweep.chosen ? json(*sweep.chosen) : json(nullptr)}};
}

json of_shown(const ShownResponse& response) {
  return {{"text", response.text},
          {"reward", response.reward},
          {"token_texts", response.token_texts},
          {"log_prob", response.log_prob}};
}

json of_shown(const ShownPair& pair) {
  return {{"id", pair.id},
          {"subset", pair.subset},
          {"cell", pair.cell},
          {"messages", message_list<json>(pair.messages)},
          {"margin", pair.margin},
          {"better", of_shown(pair.better)},
          {"worse", of_shown(pair.worse)}};
}

json of_shown(const ShownExample& example) {
  json responses = json::array();
  for (const ShownExample::Response& response : example.responses) {
    responses.push_back({{"place", response.place},
                         {"reward", response.reward},
                         {"token_texts", response.token_texts},
                         {"log_prob", response.log_prob}});
  }
  return {{"id", example.id}, {"responses", responses}};
}

json of_counts(const ResponseCounts& counts) {
  return {{"subset", counts.subset},       {"examples", counts.examples}, {"failed", counts.failed},
          {"responses", counts.responses}, {"correct", counts.correct},   {"unparsable", counts.unparsable},
          {"truncated", counts.truncated}, {"stopped", counts.stopped},   {"tokens", counts.tokens}};
}

json of_responses(const ResponseReport& report, bool rows) {
  json fields = {{"counts", json::array()}, {"figures", of_figures(report.table.figures)}};
  for (const ResponseCounts& counts : report.counts) {
    fields["counts"].push_back(of_counts(counts));
  }
  if (rows) {
    fields["rows"] = json::array();
    for (const Example& example : report.examples) {
      fields["rows"].push_back(best_of_record(example));
    }
  }
  fields["shown"] = json::array();
  for (const ShownExample& example : report.shown) {
    fields["shown"].push_back(of_shown(example));
  }
  return fields;
}

json of_fault(const RowFault& fault) {
  return {{"file", fault.file}, {"row", fault.row}, {"id", fault.id}, {"message", fault.message}};
}

}  // namespace

json bench_value(const BenchReport& report, bool rows) {
  json fields = {{"endorm_bench", kBenchFormat},
                 {"benchmark", report.benchmark},
                 {"manifest", *report.manifest},
                 {"notes", report.notes}};
  fields["faults"] = json::array();
  for (const RowFault& fault : report.faults) {
    fields["faults"].push_back(of_fault(fault));
  }
  fields["judges"] = json::array();
  for (const JudgeReport& judge : report.judges) {
    fields["judges"].push_back(of_judge(judge, rows));
  }
  fields["comparisons"] = json::array();
  for (const auto& [second, comparison] : report.comparisons) {
    fields["comparisons"].push_back(of_comparison(report, second, comparison));
  }
  if (report.sweep) {
    fields["sweep"] = of_sweep(*report.sweep);
  }
  fields["shown"] = json::array();
  for (const ShownPair& pair : report.shown) {
    fields["shown"].push_back(of_shown(pair));
  }
  if (report.responses) {
    fields["responses"] = of_responses(*report.responses, rows);
  }
  return fields;
}

std::string bench_json(const BenchReport& report, bool rows) {
  return bench_value(report, rows).dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace endorm
