#include "eval/bench_json.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/judging.h"
#include "eval/shown.h"
#include "judge/judge.h"
#include "tests/eval/best_of_examples.h"
#include "tests/eval/tabular_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

MetricOptions few_resamples() {
  MetricOptions options;
  options.bootstrap.resamples = 20;
  return options;
}

BenchReport measured(BenchReport report) {
  measure_report(report, few_resamples());
  return report;
}

// Two judges on random pairs, one of which fails.
BenchReport random_report() {
  std::vector<Example> examples = test::random_examples(30, 1);
  examples[3].request.responses[1].text.text = "";
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  BenchReport report;
  report.manifest = std::make_shared<nlohmann::ordered_json>(
      nlohmann::ordered_json::parse(R"({"endorm":"test","figures":{"resamples":20}})"));
  report.benchmark = "pairs";
  report.notes = {"a note"};
  report.faults = {{"pairs.jsonl", 31, "x", "it is empty"}};
  for (const char* name : {"endorm", "random"}) {
    const Judge judge = make_judge(name, {engine, cache});
    JudgeReport& own = report.judges.emplace_back();
    own.name = name;
    own.fingerprint = judge.fingerprint;
    own.rows = judge_examples(examples, *judge.scorer, {});
  }
  report.sweep =
      SweepReport{"accuracy (all)", {{{}, std::nullopt, {}}, {{Aggregation::kMean, 0.93, 2.0}, 0.25, {}}}, 1};
  report.sweep->rows[1].reporting.interval = Interval{0.25, 0.75};
  report.shown = {{"0", "all", "", {{"user", "p"}}, -1.0, {"better", 1.0, {"b"}, {-1.0}}, {"worse", 2.0, {}, {}}}};
  return measured(std::move(report));
}

TEST_CASE("the same report gives the same bytes, and what is read back gives them again") {
  const BenchReport report = random_report();
  const std::string text = bench_json(report, true);
  CHECK(bench_json(random_report(), true) == text);
  const BenchReport read = read_bench_json(text, "a.json");
  CHECK(*read.manifest == *report.manifest);
  CHECK(read.benchmark == "pairs");
  CHECK(read.notes == report.notes);
  REQUIRE(read.faults.size() == 1);
  CHECK(read.faults[0].file == "pairs.jsonl");
  CHECK(read.faults[0].row == 31);
  CHECK(read.faults[0].id == "x");
  CHECK(read.faults[0].message == "it is empty");
  REQUIRE(read.judges.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(read.judges[i].name == report.judges[i].name);
    CHECK(read.judges[i].fingerprint == report.judges[i].fingerprint);
    test::check_same(read.judges[i].rows, report.judges[i].rows);
  }
  CHECK(bench_json(measured(read), true) == text);
}

TEST_CASE("the JSON says what the report holds") {
  const BenchReport report = random_report();
  const json fields = json::parse(bench_json(report, true));
  CHECK(fields.at("endorm_bench") == 1);
  CHECK(fields.at("manifest").at("endorm") == "test");
  const json& judge = fields.at("judges").at(0);
  const JudgeReport& own = report.judges[0];
  CHECK(judge.at("counts").at("examples") == 30);
  CHECK(judge.at("counts").at("failed_responses") == 1);
  CHECK(judge.at("counts").at("failed_comparisons") == own.counts.failed_comparisons);
  CHECK(own.counts.failed_comparisons >= 1);
  const json& figure = judge.at("figures").at(0);
  CHECK(figure.at("value") == own.table.figures[0].value.value());
  CHECK(figure.at("interval").at(0) == own.table.figures[0].interval.value().low);
  CHECK(figure.at("n") == own.table.figures[0].n);
  CHECK(figure.at("failed") == own.counts.failed_comparisons);
  CHECK(figure.at("groups") == 30);
  CHECK(figure.at("interval_by") == "bootstrap");
  CHECK(fields.at("ties") == "wrong");
  CHECK(judge.at("length_correlations").size() == own.length_correlations.size());
  CHECK(judge.at("length_correlations").at(0).at("unit") == "characters");
  CHECK(judge.at("calibration").at("n") == own.calibration.n);
  CHECK(judge.at("rows").size() == 30);
  CHECK(judge.at("reward_length").size() == judge.at("counts").at("responses").get<std::size_t>() - 1);
  const json& comparison = fields.at("comparisons").at(0);
  CHECK(comparison.at("first") == "endorm");
  CHECK(comparison.at("second") == "random");
  CHECK(comparison.at("examples") == 30);
  CHECK(comparison.at("mcnemar").at("p_value") == report.comparisons[0].second.mcnemar_p_value);
  CHECK(comparison.at("figures").at(0).at("p_value_by") == "bootstrap");
  CHECK(comparison.at("figures").at(0).at("holm_p_value") == comparison.at("figures").at(0).at("p_value"));
  CHECK_FALSE(json::parse(bench_json(report, false)).at("judges").at(0).contains("rows"));
}

TEST_CASE("p-values of one figure by several judges are corrected together") {
  BenchReport report = random_report();
  for (const char* name : {"one", "two"}) {
    JudgeReport& own = report.judges.emplace_back(report.judges[1]);
    own.name = name;
  }
  std::reverse(report.judges[3].rows.begin(), report.judges[3].rows.end());
  for (JudgedExample& row : report.judges[2].rows) {
    for (JudgedComparison& comparison : row.comparisons) {
      comparison.margin = 1.0;
    }
  }
  report = measured(std::move(report));
  REQUIRE(report.comparisons.size() == 3);
  std::vector<double> p_values;
  std::vector<double> corrected;
  for (const auto& [second, comparison] : report.comparisons) {
    p_values.push_back(comparison.figures.at(0).p_value.value());
    corrected.push_back(comparison.figures.at(0).holm_p_value.value());
  }
  CHECK(corrected == holm(p_values));
  CHECK(corrected != p_values);
}

TEST_CASE("what is not defined is null, a sweep and shown pairs are there") {
  BenchReport report;
  report.manifest = std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json::parse("{}"));
  report.benchmark = "pairs";
  report.judges.emplace_back().name = "none";
  report.sweep = SweepReport{"accuracy (all)", {{{}, std::nullopt, {}}, {{Aggregation::kMean, 0.5, 2.0}, 0.25, {}}}, 1};
  report.shown = {
      {"id", "subset", "0,1", {{"user", "p"}}, -1.0, {"better", 1.0, {"b"}, {-1.0}}, {"worse", 2.0, {}, {}}}};
  const json fields = json::parse(bench_json(measured(std::move(report)), true));
  CHECK(fields.at("judges").at(0).at("figures").at(0).at("value").is_null());
  CHECK(fields.at("judges").at(0).at("figures").at(0).at("interval").is_null());
  CHECK(fields.at("sweep").at("chosen") == 1);
  CHECK(fields.at("sweep").at("rows").at(0).at("gamma") == 0.93);
  CHECK(fields.at("sweep").at("rows").at(0).at("selection").is_null());
  CHECK(fields.at("sweep").at("rows").at(1).at("aggregation") == "mean");
  CHECK_FALSE(fields.at("sweep").at("rows").at(1).contains("gamma"));
  CHECK(fields.at("shown").at(0).at("margin") == -1.0);
  CHECK(fields.at("shown").at(0).at("better").at("log_prob").at(0) == -1.0);
  CHECK(fields.at("shown").at(0).at("messages").at(0).at("content") == "p");
}

// Responses to three questions, one of which could not be asked, by two judges.
BenchReport responses_report() {
  DataSet data;
  data.benchmark = "bestof";
  data.examples = {test::drawn_example("1", "5", {"[1][2]", "[3]", "[1][2][0]"}), test::drawn_example("2", "5", {}),
                   test::drawn_example("3", "5", {"[0]", "", "[2][2]"})};
  for (Example& example : data.examples) {
    example.request.messages = {{"user", "[0][1]"}};
  }
  BenchReport report = report_of(data);
  report.manifest = std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json::parse(R"({"endorm":"test"})"));
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  for (const char* name : {"endorm", "length"}) {
    const Judge judge = make_judge(name, {engine, cache});
    report.judges.emplace_back().name = name;
    report.judges.back().fingerprint = judge.fingerprint;
    report.judges.back().rows = judge_examples(data.examples, *judge.scorer, {});
    if (report.judges.size() == 1) {
      add_shown(report, data.examples, *judge.scorer, 1);
    }
  }
  return measured(std::move(report));
}

TEST_CASE("responses are in the report with all that is known of them, and read back") {
  const BenchReport report = responses_report();
  CHECK(report.judges[0].counts.failed_responses == 1);  // the empty one; its question is judged all the same
  CHECK(report.judges[0].rows[2].responses[2].reward.has_value());
  CHECK(report.judges[0].rows[1].responses.empty());
  const std::string text = bench_json(report, true);
  CHECK(bench_json(responses_report(), true) == text);
  CHECK(bench_json(measured(read_bench_json(text, "a.json")), true) == text);
  const json fields = json::parse(text).at("responses");
  CHECK(fields.at("rows").size() == 3);
  CHECK(fields.at("rows").at(1).at("error") == "too long");
  CHECK(fields.at("counts").at(0).at("failed") == 1);
  CHECK(fields.at("figures").at(0).at("name") == "avg@3");
  CHECK(fields.at("shown").size() == 1);
  const json bare = json::parse(bench_json(report, false));
  CHECK(bare.at("responses").at("figures") == fields.at("figures"));
  CHECK_FALSE(bare.at("responses").contains("rows"));
  CHECK(bare.at("judges").at(0).at("figures").at(1).contains("p_value"));
}

TEST_CASE("what is no such file, or has no rows, is refused by name") {
  const std::string text = bench_json(random_report(), true);
  const auto refusal = [](const std::string& changed) {
    return message_of<InvalidInput>([&] { read_bench_json(changed, "a.json"); });
  };
  CHECK(contains(refusal(bench_json(random_report(), false)), "--no-rows"));
  for (const char* bad : {"", "{", "[]", "5", "{}", "{\"endorm_bench\": 2}"}) {
    INFO(bad);
    CHECK(contains(refusal(bad), "a.json"));
  }
  for (const char* field : {"benchmark", "manifest", "notes", "faults", "judges"}) {
    json fields = json::parse(text);
    fields.erase(field);
    INFO(field);
    CHECK(contains(refusal(fields.dump()), field));
    fields[field] = 5;
    CHECK(contains(refusal(fields.dump()), "a.json"));
  }
  json fields = json::parse(text);
  fields["judges"][1]["rows"][2]["responses"][0]["reward"] = "high";
  CHECK(contains(refusal(fields.dump()), "responses[0].reward"));
  for (const auto& [place, value] : {std::pair<const char*, json>{"/sweep/chosen", 2},
                                     {"/sweep/rows/0/aggregation", "most"},
                                     {"/sweep/rows/1/reporting/interval", json::array({0.5})},
                                     {"/shown/0/better/log_prob", json::array()},
                                     {"/shown/0/messages", 5},
                                     {"/judges/0/rows/0/id", 5}}) {
    INFO(place);
    json changed = json::parse(text);
    changed.at(json::json_pointer(place)) = value;
    CHECK(contains(refusal(changed.dump()), "a.json"));
  }
  CHECK(refusal(text).empty());
}

}  // namespace
}  // namespace endorm
