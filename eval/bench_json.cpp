#include "eval/bench_json.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"
#include "eval/best_of_record.h"
#include "eval/judged_json.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/message_reader.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

constexpr int kFormat = 1;

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

std::optional<double> number_from(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

Figure figure_from(const json& fields) {
  Figure figure;
  fields.at("name").get_to(figure.name);
  fields.at("group").get_to(figure.group);
  figure.variant = fields.value("variant", "");
  figure.value = number_from(fields.at("value"));
  if (const json& interval = fields.at("interval"); !interval.is_null()) {
    figure.interval = {interval.at(0), interval.at(1)};
  }
  fields.at("fraction").get_to(figure.fraction);
  fields.at("n").get_to(figure.n);
  fields.at("ties").get_to(figure.ties);
  fields.at("failed").get_to(figure.failed);
  return figure;
}

SweepReport sweep_from(const json& fields) {
  SweepReport sweep;
  fields.at("figure").get_to(sweep.figure);
  for (const json& row : fields.at("rows")) {
    SweepSetting setting;
    setting.aggregation = aggregation_from_name(row.at("aggregation").get<std::string>());
    setting.gamma = row.value("gamma", setting.gamma);
    row.at("alpha").get_to(setting.alpha);
    sweep.rows.push_back({setting, number_from(row.at("selection")), figure_from(row.at("reporting"))});
  }
  if (const json& chosen = fields.at("chosen"); !chosen.is_null()) {
    sweep.chosen = chosen.get<std::size_t>();
    if (*sweep.chosen >= sweep.rows.size()) {
      throw InvalidInput("\"chosen\" is the place of no row of the sweep");
    }
  }
  return sweep;
}

void check_tokens(const json& shown) {
  if (shown.at("log_prob").size() != shown.at("token_texts").size()) {
    throw InvalidInput("\"shown\" has " + std::to_string(shown.at("log_prob").size()) + " numbers for " +
                       std::to_string(shown.at("token_texts").size()) + " tokens");
  }
}

ShownResponse shown_response_from(const json& fields) {
  check_tokens(fields);
  return {fields.at("text"), fields.at("reward"), fields.at("token_texts"), fields.at("log_prob")};
}

ShownPair shown_from(const json& fields) {
  ShownPair pair{fields.at("id"),
                 fields.at("subset"),
                 fields.at("cell"),
                 {},
                 fields.at("margin"),
                 shown_response_from(fields.at("better")),
                 shown_response_from(fields.at("worse"))};
  if (const json& messages = fields.at("messages"); !messages.empty()) {
    std::vector<std::string> unknown;
    pair.messages = read_messages(messages, "messages", unknown);
  }
  return pair;
}

ResponseReport responses_from(const json& fields) {
  ResponseReport report;
  if (!fields.contains("rows")) {
    throw InvalidInput("it holds no rows: write it without --no-rows");
  }
  for (const json& row : fields.at("rows")) {
    report.examples.push_back(best_of_example(JsonField(row)));
  }
  for (const json& example : fields.at("shown")) {
    ShownExample& own = report.shown.emplace_back(ShownExample{example.at("id"), {}});
    for (const json& response : example.at("responses")) {
      check_tokens(response);
      own.responses.push_back(
          {response.at("place"), response.at("reward"), response.at("token_texts"), response.at("log_prob")});
    }
  }
  return report;
}

JudgeReport judge_from(const json& fields) {
  JudgeReport judge;
  fields.at("name").get_to(judge.name);
  fields.at("fingerprint").get_to(judge.fingerprint);
  if (!fields.contains("rows")) {
    throw InvalidInput("it holds no rows: write it without --no-rows");
  }
  for (const json& row : fields.at("rows")) {
    judge.rows.push_back(judged_from(JsonField(row)));
  }
  return judge;
}

BenchReport report_from(const json& fields) {
  if (!fields.contains("endorm_bench") || fields.at("endorm_bench") != kFormat) {
    throw InvalidInput("it was not written by endorm bench --json or eval math --json, or by another version of them");
  }
  BenchReport report;
  if (!fields.at("manifest").is_object()) {
    throw InvalidInput("\"manifest\" is no object");
  }
  report.manifest = std::make_shared<json>(fields.at("manifest"));
  fields.at("benchmark").get_to(report.benchmark);
  fields.at("notes").get_to(report.notes);
  for (const json& fault : fields.at("faults")) {
    report.faults.push_back(
        {.file = fault.at("file"), .row = fault.at("row"), .id = fault.at("id"), .message = fault.at("message")});
  }
  for (const json& judge : fields.at("judges")) {
    report.judges.push_back(judge_from(judge));
  }
  if (fields.contains("sweep")) {
    report.sweep = sweep_from(fields.at("sweep"));
  }
  for (const json& pair : fields.at("shown")) {
    report.shown.push_back(shown_from(pair));
  }
  if (fields.contains("responses")) {
    report.responses = responses_from(fields.at("responses"));
  }
  return report;
}

}  // namespace

json bench_value(const BenchReport& report, bool rows) {
  json fields = {{"endorm_bench", kFormat},
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

BenchReport read_bench_json(std::string_view text, const std::string& name) {
  try {
    check_json(text);
    return report_from(json::parse(text));
  } catch (const json::exception& error) {
    throw InvalidInput("[read_bench_json] " + name + ": " + error.what());
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_bench_json] " + name + ": " + error.what());
  }
}

}  // namespace endorm
