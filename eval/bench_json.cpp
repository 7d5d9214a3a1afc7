#include "eval/bench_json.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/message_json.h"
#include "eval/best_of_record.h"
#include "eval/judged_json.h"
#include "score/json_check.h"
#include "score/message_reader.h"
#include "score/told_fields.h"

namespace endorm {
void to_json(nlohmann::ordered_json& value, const Interval& interval) { value = {interval.low, interval.high}; }

void read_into(const JsonField& field, Interval& interval) {
  const std::vector<JsonField> ends = field.list();
  if (ends.size() != 2) {
    field.wrong_type("a list of two numbers");
  }
  interval = {ends[0].number(), ends[1].number()};
}

void to_json(nlohmann::ordered_json& value, const Aggregation& aggregation) {
  value = std::string(aggregation_name(aggregation));
}

void read_into(const JsonField& field, Aggregation& aggregation) { aggregation = aggregation_from_name(field.text()); }

void to_json(nlohmann::ordered_json& value, const std::vector<Message>& messages) {
  value = message_list<nlohmann::ordered_json>(messages);
}

void read_into(const JsonField& field, std::vector<Message>& messages) {
  if (!field.list().empty()) {
    std::vector<std::string> unknown;
    messages = read_messages(field, unknown);
  }
}

void tell(auto& fields, MaybeConst<Figure> auto& figure) {
  fields.always("name", figure.name);
  fields.always("group", figure.group);
  fields.unless_empty("variant", figure.variant);
  fields.always("value", figure.value);
  fields.unless_empty("other_ties", figure.other_ties);
  fields.always("interval", figure.interval);
  fields.unless_empty("interval_by", figure.interval_by);
  fields.always("fraction", figure.fraction);
  fields.always("n", figure.n);
  fields.unless_empty("groups", figure.groups);
  fields.always("ties", figure.ties);
  fields.always("failed", figure.failed);
  fields.unless_empty("p_value", figure.p_value);
  fields.unless_empty("p_value_by", figure.p_value_by);
  fields.unless_empty("holm_p_value", figure.holm_p_value);
}

void tell(auto& fields, MaybeConst<SweepRow> auto& row) {
  fields.always("aggregation", row.setting.aggregation);
  if (row.setting.aggregation == Aggregation::kDiscounted) {
    fields.always("gamma", row.setting.gamma);
  }
  fields.always("alpha", row.setting.alpha);
  fields.always("selection", row.selection);
  fields.unless_empty("selection_n", row.selection_n);
  fields.always("reporting", row.reporting);
}

void tell(auto& fields, MaybeConst<SweepReport> auto& sweep) {
  fields.always("figure", sweep.figure);
  fields.always("rows", sweep.rows);
  fields.always("chosen", sweep.chosen);
}

void tell_tokens(auto& fields, auto& response) {
  fields.always("reward", response.reward);
  fields.always("token_texts", response.token_texts);
  fields.always("log_prob", response.log_prob);
}

void tell(auto& fields, MaybeConst<ShownResponse> auto& response) {
  fields.always("text", response.text);
  tell_tokens(fields, response);
}

void tell(auto& fields, MaybeConst<ShownPair> auto& pair) {
  fields.always("id", pair.id);
  fields.always("subset", pair.subset);
  fields.always("cell", pair.cell);
  fields.always("messages", pair.messages);
  fields.always("margin", pair.margin);
  fields.always("better", pair.better);
  fields.always("worse", pair.worse);
}

void tell(auto& fields, MaybeConst<ShownExample::Response> auto& response) {
  fields.always("place", response.place);
  tell_tokens(fields, response);
}

void tell(auto& fields, MaybeConst<ShownExample> auto& example) {
  fields.always("id", example.id);
  fields.always("responses", example.responses);
}

void tell(auto& fields, MaybeConst<RowFault> auto& fault) {
  fields.always("file", fault.file);
  fields.always("row", fault.row);
  fields.always("id", fault.id);
  fields.always("message", fault.message);
}

// What is computed again from the rows is not read.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(Matrix, name, group, row, column, rows, columns, cells)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(JudgeCounts, examples, responses, failed_responses,
                                                  failed_comparisons, unparsed, inconsistent)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(LengthCorrelation, unit, n, n_within, pearson, spearman,
                                                  pearson_within, spearman_within)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(CalibrationBin, low, high, n, confidence, accuracy)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(Calibration, n, ties, expected_error, bins)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(ComparedFigure, first, second, difference, interval, interval_by,
                                                  p_value, p_value_by, holm_p_value)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_ONLY_SERIALIZE(ResponseCounts, subset, examples, failed, responses, correct,
                                                  unparsable, truncated, stopped, tokens)

namespace {

using json = nlohmann::ordered_json;

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

// A list of what `write` makes of each value.
template <typename Value>
json list_of(const std::vector<Value>& values, json (*write)(const Value&)) {
  json list = json::array();
  for (const Value& value : values) {
    list.push_back(write(value));
  }
  return list;
}

json of_judge(const JudgeReport& judge, bool rows) {
  json fields = {{"name", judge.name},
                 {"fingerprint", judge.fingerprint},
                 {"counts", judge.counts},
                 {"figures", judge.table.figures},
                 {"matrices", judge.table.matrices},
                 {"notes", judge.table.notes},
                 {"length_correlations", judge.length_correlations},
                 {"calibration", judge.calibration},
                 {"reward_length", reward_length(judge.rows)}};
  if (rows) {
    fields["rows"] = list_of(judge.rows, judged_json);
  }
  return fields;
}

json of_comparison(const BenchReport& report, std::size_t second, const JudgeComparison& comparison) {
  return {{"first", report.judges[0].name},
          {"second", report.judges[second].name},
          {"examples", comparison.examples},
          {"first_only", comparison.first_only},
          {"second_only", comparison.second_only},
          {"figures", comparison.figures},
          {"mcnemar",
           {{"right_first_only", comparison.right_first_only},
            {"right_second_only", comparison.right_second_only},
            {"p_value", comparison.mcnemar_p_value},
            {"clustered", comparison.clustered}}},
          {"notes", comparison.notes}};
}

json of_responses(const ResponseReport& report, bool rows) {
  json fields = {{"counts", report.counts}, {"figures", report.table.figures}};
  if (rows) {
    fields["rows"] = list_of(report.examples, best_of_record);
  }
  fields["shown"] = report.shown;
  return fields;
}

// The rows of a list that is there unless the file was written without.
std::vector<JsonField> rows_of(const JsonField& fields) {
  if (!fields.has("rows")) {
    throw InvalidInput("it holds no rows: write it without --no-rows");
  }
  return fields.at("rows").list();
}

void check_tokens(const auto& shown) {
  if (shown.log_prob.size() != shown.token_texts.size()) {
    throw InvalidInput("\"shown\" has " + std::to_string(shown.log_prob.size()) + " numbers for " +
                       std::to_string(shown.token_texts.size()) + " tokens");
  }
}

ResponseReport responses_from(const JsonField& fields) {
  ResponseReport report;
  for (const JsonField& row : rows_of(fields)) {
    report.examples.push_back(best_of_example(row));
  }
  read_into(fields.at("shown"), report.shown);
  for (const ShownExample& example : report.shown) {
    for (const ShownExample::Response& response : example.responses) {
      check_tokens(response);
    }
  }
  return report;
}

JudgeReport judge_from(const JsonField& fields) {
  JudgeReport judge;
  judge.name = fields.at("name").text();
  judge.fingerprint = fields.at("fingerprint").text();
  for (const JsonField& row : rows_of(fields)) {
    judge.rows.push_back(judged_from(row));
  }
  return judge;
}

BenchReport report_from(const JsonField& fields) {
  if (!fields.has("endorm_bench") || fields.at("endorm_bench").value() != kBenchFormat) {
    throw InvalidInput("it was not written by endorm bench --json or eval math --json, or by another version of them");
  }
  BenchReport report;
  report.manifest = std::make_shared<json>(fields.at("manifest").object().value());
  report.benchmark = fields.at("benchmark").text();
  read_into(fields.at("notes"), report.notes);
  read_into(fields.at("faults"), report.faults);
  for (const JsonField& judge : fields.at("judges").list()) {
    report.judges.push_back(judge_from(judge));
  }
  if (fields.has("sweep")) {
    read_into(fields.at("sweep"), report.sweep);
    if (report.sweep->chosen >= report.sweep->rows.size()) {
      throw InvalidInput("\"chosen\" is the place of no row of the sweep");
    }
  }
  read_into(fields.at("shown"), report.shown);
  for (const ShownPair& pair : report.shown) {
    check_tokens(pair.better);
    check_tokens(pair.worse);
  }
  if (fields.has("responses")) {
    report.responses = responses_from(fields.at("responses"));
  }
  return report;
}

}  // namespace

json bench_value(const BenchReport& report, bool rows) {
  json fields = {{"endorm_bench", kBenchFormat}, {"benchmark", report.benchmark}, {"manifest", *report.manifest},
                 {"notes", report.notes},        {"faults", report.faults},       {"judges", json::array()},
                 {"comparisons", json::array()}};
  if (!report.judges.empty() && report.judges.front().table.ties) {
    fields["ties"] = *report.judges.front().table.ties == TieRule::kHalf ? "half" : "wrong";
  }
  for (const JudgeReport& judge : report.judges) {
    fields["judges"].push_back(of_judge(judge, rows));
  }
  for (const auto& [second, comparison] : report.comparisons) {
    fields["comparisons"].push_back(of_comparison(report, second, comparison));
  }
  if (report.sweep) {
    fields["sweep"] = *report.sweep;
  }
  fields["shown"] = report.shown;
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
    const json fields = json::parse(text);
    return report_from(JsonField(fields));
  } catch (const json::exception& error) {
    throw InvalidInput("[read_bench_json] " + name + ": " + error.what());
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_bench_json] " + name + ": " + error.what());
  }
}

}  // namespace endorm
