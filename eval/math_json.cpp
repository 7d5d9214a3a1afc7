#include "eval/math_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/judged_json.h"
#include "score/json_check.h"

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

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json of_counts(const MathCounts& counts) {
  return {{"suite", counts.suite},           {"problems", counts.problems},   {"failed", counts.failed},
          {"samples", counts.samples},       {"correct", counts.correct},     {"wrong", counts.wrong},
          {"unparsable", counts.unparsable}, {"truncated", counts.truncated}, {"stopped", counts.stopped},
          {"tokens", counts.tokens}};
}

json of_figure(const MathFigure& figure) {
  json fields = {{"metric", figure.metric}, {"suite", text_or_null(figure.suite)}};
  if (!figure.judge.empty()) {
    fields["judge"] = figure.judge;
  }
  if (!figure.subject.empty()) {
    fields["subject"] = figure.subject;
  }
  if (!figure.level.empty()) {
    fields["level"] = figure.level;
  }
  fields["value"] = number_or_null(figure.value);
  fields["interval"] = of_interval(figure.interval);
  fields["n"] = figure.n;
  fields["ties"] = figure.ties;
  fields["failed"] = figure.failed;
  return fields;
}

json of_comparison(const MathComparison& comparison) {
  return {{"judge", comparison.judge},
          {"against", comparison.against},
          {"suite", text_or_null(comparison.suite)},
          {"difference", number_or_null(comparison.difference)},
          {"interval", of_interval(comparison.interval)},
          {"p_value", number_or_null(comparison.p_value)},
          {"n", comparison.n}};
}

json of_judge(const MathJudge& judge, bool with_rows) {
  json fields = {{"name", judge.name}, {"fingerprint", judge.fingerprint}, {"failed", judge.failed}};
  if (with_rows) {
    json& rows = fields["rows"] = json::array();
    for (const JudgedExample& row : judge.rows) {
      rows.push_back(json::parse(judged_row(row)));
    }
  }
  return fields;
}

json of_shown(const ShownProblem& problem) {
  json messages = json::array();
  for (const Message& message : problem.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  json samples = json::array();
  for (const ShownSample& sample : problem.samples) {
    samples.push_back({{"sample", sample.sample},
                       {"reward", number_or_null(sample.reward)},
                       {"token_texts", sample.token_texts},
                       {"log_prob", sample.log_prob}});
  }
  return {{"id", problem.id}, {"judge", problem.judge}, {"messages", messages}, {"samples", samples}};
}

json of_fault(const RowFault& fault) {
  return {{"file", fault.file}, {"row", fault.row}, {"id", fault.id}, {"message", fault.message}};
}

ShownProblem shown_from(const json& fields) {
  ShownProblem problem;
  fields.at("id").get_to(problem.id);
  fields.at("judge").get_to(problem.judge);
  for (const json& message : fields.at("messages")) {
    problem.messages.push_back({message.at("role"), message.at("content")});
  }
  for (const json& sample : fields.at("samples")) {
    ShownSample& own = problem.samples.emplace_back();
    sample.at("sample").get_to(own.sample);
    sample.at("reward").get_to(own.reward);
    sample.at("token_texts").get_to(own.token_texts);
    sample.at("log_prob").get_to(own.log_prob);
    if (own.log_prob.size() != own.token_texts.size()) {
      throw InvalidInput("\"shown\" has " + std::to_string(own.log_prob.size()) + " numbers for " +
                         std::to_string(own.token_texts.size()) + " tokens of " + problem.id);
    }
  }
  return problem;
}

template <typename Items, typename Of>
json list_of(const Items& items, const Of& of) {
  json list = json::array();
  for (const auto& item : items) {
    list.push_back(of(item));
  }
  return list;
}

}  // namespace

std::string math_json(const MathReport& report, bool rows) {
  json fields = {{"endorm_math", kFormat}, {"manifest", json::parse(report.manifest)}};
  fields["faults"] = list_of(report.faults, of_fault);
  fields["counts"] = list_of(report.counts, of_counts);
  fields["figures"] = list_of(report.figures, of_figure);
  fields["comparisons"] = list_of(report.comparisons, of_comparison);
  if (rows) {
    fields["rows"] = list_of(report.rows, [](const MathRow& row) { return json::parse(math_row_json(row)); });
  }
  fields["judges"] = list_of(report.judges, [rows](const MathJudge& judge) { return of_judge(judge, rows); });
  fields["shown"] = list_of(report.shown, of_shown);
  return fields.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

MathReport read_math_json(std::string_view text, const std::string& name) {
  try {
    check_json(text);
    const json fields = json::parse(text);
    if (!fields.contains("endorm_math") || fields.at("endorm_math") != kFormat) {
      throw InvalidInput("it was not written by endorm eval math --json, or by another version of it");
    }
    if (!fields.contains("rows")) {
      throw InvalidInput("it holds no rows: write it without --no-rows");
    }
    MathReport report;
    if (!fields.at("manifest").is_object()) {
      throw InvalidInput("\"manifest\" is no object");
    }
    report.manifest = fields.at("manifest").dump();
    for (const json& fault : fields.at("faults")) {
      report.faults.push_back(
          {.file = fault.at("file"), .row = fault.at("row"), .id = fault.at("id"), .message = fault.at("message")});
    }
    for (const json& row : fields.at("rows")) {
      report.rows.push_back(read_math_row(row.dump()));
    }
    for (const json& judge : fields.at("judges")) {
      MathJudge& own = report.judges.emplace_back();
      judge.at("name").get_to(own.name);
      judge.at("fingerprint").get_to(own.fingerprint);
      for (const json& row : judge.at("rows")) {
        own.rows.push_back(read_judged_row(row.dump()));
      }
    }
    for (const json& problem : fields.at("shown")) {
      report.shown.push_back(shown_from(problem));
    }
    return report;
  } catch (const json::exception& error) {
    throw InvalidInput("[read_math_json] " + name + ": " + error.what());
  } catch (const InvalidInput& error) {
    throw InvalidInput("[read_math_json] " + name + ": " + error.what());
  }
}

}  // namespace endorm
