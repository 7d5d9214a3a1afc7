// What bench_json wrote, read back.
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/bench_json.h"
#include "eval/best_of_record.h"
#include "eval/judged_json.h"
#include "score/json_check.h"
#include "score/json_field.h"
#include "score/message_reader.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

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
    pair.messages = read_messages(JsonField(messages, "messages"), unknown);
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
  if (!fields.contains("endorm_bench") || fields.at("endorm_bench") != kBenchFormat) {
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
