// Figures of several responses: by hand, and against tests/golden/eval_math.py.
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/bench_report.h"
#include "tests/eval/best_of_examples.h"
#include "tests/paths.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;
using test::drawn_example;
using test::kNone;

MetricOptions resamples(std::size_t count) {
  MetricOptions options;
  options.bootstrap.resamples = count;
  return options;
}

BenchReport report_with(const std::vector<Example>& examples,
                        const std::map<std::string, std::vector<std::vector<double>>>& judges,
                        const MetricOptions& options) {
  BenchReport report = report_of({.benchmark = "bestof", .files = {}, .examples = examples, .faults = {}, .notes = {}});
  for (const auto& [name, rewards] : judges) {
    JudgeReport& judge = report.judges.emplace_back();
    judge.name = name;
    judge.rows = test::judged_with(examples, rewards);
  }
  measure_report(report, options);
  return report;
}

// A judge's figure; of those that need none where `judge` is empty.
const Figure* find(const BenchReport& report, const std::string& judge, const std::string& name,
                   const std::string& group = "s") {
  const MetricTable* table = judge.empty() ? &report.responses->table : nullptr;
  for (const JudgeReport& own : report.judges) {
    table = own.name == judge ? &own.table : table;
  }
  for (const Figure& figure : table->figures) {
    if (figure.name == name && figure.group == group) {
      return &figure;
    }
  }
  return nullptr;
}

const Figure& figure_of(const BenchReport& report, const std::string& judge, const std::string& name,
                        const std::string& group = "s") {
  const Figure* const found = find(report, judge, name, group);
  INFO(judge, " ", name, " ", group);
  REQUIRE(found != nullptr);
  return *found;
}

TEST_CASE("two questions by hand") {
  std::vector<Example> examples = {drawn_example("1", "5", {"\\boxed{5}", "\\boxed{5}", "\\boxed{6}", "\\boxed{7}"}),
                                   drawn_example("2", "5", {"\\boxed{6}", "\\boxed{6}", "\\boxed{5}", ""})};
  examples[1].drawn->ends[0] = CompletionEnd::kLength;
  examples[1].request.responses[0].text.truncated = true;
  examples[1].drawn->ends[1] = CompletionEnd::kStop;
  examples[1].request.responses[1].text.truncated = true;
  const BenchReport report =
      report_with(examples, {{"good", {{1, 0, 0, 0}, {0, 0, 1, 0}}}, {"tied", {{1, 1, 1, 0}, {kNone, 2, 2, kNone}}}},
                  resamples(500));

  CHECK(figure_of(report, "", "avg@4").value == (0.5 + 0.25) / 2);
  CHECK(figure_of(report, "", "maj@4").value == 0.5);
  CHECK(figure_of(report, "good", "best@4").value == 1.0);
  CHECK(*figure_of(report, "tied", "best@4").value == doctest::Approx((2.0 / 3.0 + 0.5) / 2).epsilon(1e-15));
  CHECK(figure_of(report, "tied", "best@4").ties == 2);
  CHECK(*figure_of(report, "", "pass@2").value == doctest::Approx(((1 - 1.0 / 6) + (1 - 3.0 / 6)) / 2).epsilon(1e-15));
  CHECK(figure_of(report, "", "pass@4").value == 1.0);
  CHECK(figure_of(report, "", "avg@4").n == 2);
  CHECK(figure_of(report, "good", "best@4").interval->low == wilson_interval(2, 2).low);
  CHECK(figure_of(report, "", "maj@4").interval->high == wilson_interval(1, 2).high);
  CHECK(figure_of(report, "good", "best@4 less avg@4").value == 1.0 - 0.375);
  CHECK(figure_of(report, "good", "best@4 less maj@4").value == 0.5);
  // Right twice with chances 1/2 and 1/4: 1/8. One right or none is less far from the expected 3/4.
  CHECK_FALSE(figure_of(report, "good", "best@4 less avg@4").interval);
  CHECK(figure_of(report, "good", "best@4 less avg@4").p_value == 0.5 * 0.25);
  CHECK(figure_of(report, "good", "best@4 less avg@4").p_value_by == "exact");
  CHECK(figure_of(report, "good", "best@4 less maj@4").p_value == 1.0);  // one question in which they differ
  CHECK(figure_of(report, "good", "best@4 less maj@4").n == 2);
  CHECK(report.judges[0].table.figures.front().name == "best@4");
  CHECK(report.judges[1].counts.failed_responses == 2);
  REQUIRE(report.comparisons.size() == 1);
  CHECK(report.comparisons[0].second.figures.size() == 1);  // differences are not compared once more
  CHECK(*report.comparisons[0].second.figures[0].difference > 0.4);

  REQUIRE(report.responses->counts.size() == 1);
  const ResponseCounts& counts = report.responses->counts[0];
  CHECK(counts.subset == "s");
  CHECK(counts.examples == 2);
  CHECK(counts.responses == 8);
  CHECK(counts.correct == 3);
  CHECK(counts.unparsable == 1);
  CHECK(counts.truncated == 1);
  CHECK(counts.stopped == 1);
}

TEST_CASE("the vote: classes that tie at the top count as the share of right ones; nobody votes: wrong") {
  const auto vote = [](const std::vector<std::string>& texts) {
    return figure_of(report_with({drawn_example("1", "5", texts)}, {}, resamples(0)), "",
                     "maj@" + std::to_string(texts.size()));
  };
  CHECK(vote({"\\boxed{5}", "\\boxed{6}"}).value == 0.5);
  CHECK(vote({"\\boxed{5}", "\\boxed{6}"}).ties == 1);
  CHECK(*vote({"\\boxed{5}", "\\boxed{6}", "\\boxed{7}"}).value == doctest::Approx(1.0 / 3.0));
  CHECK(vote({"\\boxed{6}", "\\boxed{5}", "\\boxed{6}"}).value == 0.0);
  CHECK(vote({"?", ""}).value == 0.0);
  CHECK(vote({"?", ""}).ties == 0);
}

TEST_CASE("a question without responses, or without a reward, fails and is averaged nowhere") {
  const BenchReport report =
      report_with({drawn_example("1", "5", {"\\boxed{5}", "\\boxed{6}"}), drawn_example("2", "5", {}),
                   drawn_example("3", "5", {"\\boxed{6}", "\\boxed{6}"})},
                  {{"silent", {{kNone, kNone}, {}, {1, 1}}}}, resamples(50));
  CHECK(figure_of(report, "", "avg@2").n == 2);
  CHECK(figure_of(report, "", "avg@2").failed == 1);
  CHECK(figure_of(report, "", "avg@2").value == 0.25);
  CHECK(figure_of(report, "silent", "best@2").n == 1);
  CHECK(figure_of(report, "silent", "best@2").failed == 2);
  CHECK(figure_of(report, "silent", "best@2").value == 0.0);
  CHECK(figure_of(report, "silent", "best@2 less avg@2").value == 0.0);  // on the question that it judged
  CHECK(figure_of(report, "silent", "best@2 less avg@2").n == 1);
  CHECK(report.responses->counts[0].failed == 1);
}

TEST_CASE("one response leaves nothing to choose; none at all leaves no figure") {
  BenchReport report = report_with({drawn_example("1", "5", {"\\boxed{5}"})}, {{"j", {{1}}}}, resamples(10));
  REQUIRE(report.responses->table.figures.size() == 1);
  CHECK(report.responses->table.figures[0].name == "avg@1");
  CHECK(report.judges[0].table.figures.empty());
  report = report_with({drawn_example("2", "5", {})}, {{"j", {{}}}}, resamples(10));
  CHECK(report.responses->table.figures.empty());
  CHECK(report.judges[0].table.figures.empty());
  CHECK(report.responses->counts[0].failed == 1);
}

TEST_CASE("questions with different numbers of responses, of which no answers are known") {
  std::vector<Example> examples = {drawn_example("1", "5", {"\\boxed{5}", "\\boxed{6}"}),
                                   drawn_example("2", "5", {"\\boxed{6}", "\\boxed{6}", "\\boxed{6}"})};
  for (Example& example : examples) {
    example.vote.clear();
  }
  const BenchReport report = report_with(examples, {{"j", {{1, 0}, {1, 2, 3}}}}, resamples(0));
  CHECK(figure_of(report, "j", "best@n").value == 0.5);
  CHECK(figure_of(report, "", "avg@n").value == 0.25);
  CHECK(figure_of(report, "", "pass@n").value == 0.5);
  CHECK(report.responses->table.figures.size() == 2);
}

TEST_CASE("the same seed gives the same intervals, another one others") {
  std::vector<Example> examples;
  for (int i = 0; i < 30; ++i) {
    examples.push_back(drawn_example(std::to_string(i), "5", {"\\boxed{5}", i % 3 == 0 ? "\\boxed{5}" : "\\boxed{6}"}));
  }
  const auto interval = [&](const MetricOptions& options) {
    return figure_of(report_with(examples, {}, options), "", "avg@2").interval;
  };
  const Interval first = interval(resamples(200)).value();
  CHECK(interval(resamples(200))->low == first.low);
  MetricOptions other = resamples(200);
  other.bootstrap.seed = 1;
  CHECK((interval(other)->low != first.low || interval(other)->high != first.high));
  CHECK(!interval(resamples(0)));
}

TEST_CASE("votes that fit no responses, and pass_at where it is not defined, are refused") {
  std::vector<Example> examples = {drawn_example("1", "5", {"\\boxed{5}", "\\boxed{6}"})};
  examples[0].vote[1] = 2;
  CHECK_THROWS_AS(report_with(examples, {}, resamples(1)), InvalidInput);
  examples[0].vote = {std::nullopt};
  CHECK_THROWS_AS(report_with(examples, {}, resamples(1)), InvalidInput);
  CHECK_THROWS_AS(pass_at(0, 1, 0), InvalidInput);
  CHECK_THROWS_AS(pass_at(2, 1, 0), InvalidInput);
  CHECK_THROWS_AS(pass_at(1, 1, 2), InvalidInput);
}

const json& golden() {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/eval_math.json")));
  return loaded;
}

TEST_CASE("golden: pass_at in exact fractions") {
  for (const json& one : golden().at("pass_at")) {
    CAPTURE(one.dump());
    const double value = pass_at(one["j"], one["n"], one["c"]);
    CHECK(std::abs(value - one["value"].get<double>()) <= 1e-12);
  }
}

// What a figure of the golden file is called here.
std::string group_of(const json& wanted) {
  if (wanted["suite"].is_null()) {
    return "mean of subsets";
  }
  std::string group = wanted["suite"];
  for (const auto& [field, word] : {std::pair{"subject", ""}, std::pair{"level", "level "}}) {
    if (wanted.contains(field) && !wanted[field].is_null()) {
      group += std::string(", ") + word + wanted[field].get<std::string>();
    }
  }
  return group;
}

TEST_CASE("golden: figures and comparisons of random samples") {
  for (const json& one : golden().at("cases")) {
    std::vector<Example> examples;
    std::map<std::string, std::vector<std::vector<double>>> rewards;
    for (const json& made : one.at("problems")) {
      Example& example = examples.emplace_back();
      example.request.id = example.group = made["id"];
      example.subset = made["suite"];
      example.subject = made["subject"];
      example.level = made["level"];
      for (const json& sample : made["samples"]) {
        example.request.responses.emplace_back();
        example.correct.push_back(sample["verdict"] == "correct");
        example.vote.push_back(sample["vote"].is_null() ? std::nullopt
                                                        : std::optional(sample["vote"].get<std::size_t>()));
      }
      for (const char* judge : {"steady", "patchy"}) {
        std::vector<double>& list = rewards[judge].emplace_back();
        for (const json& reward : made["rewards"].value(judge, json::array())) {
          list.push_back(reward.is_null() ? kNone : reward.get<double>());
        }
      }
    }
    const BenchReport report = report_with(examples, rewards, resamples(0));
    for (const json& wanted : one["figures"]) {
      CAPTURE(wanted.dump());
      const Figure& found = figure_of(report, wanted["judge"], wanted["metric"], group_of(wanted));
      REQUIRE(found.value.has_value() == !wanted["value"].is_null());
      if (found.value) {
        CHECK(std::abs(*found.value - wanted["value"].get<double>()) <= 1e-12);
      }
    }
    const std::string best = "best@" + std::to_string(one["k"].get<std::size_t>()) + " less ";
    for (const json& wanted : one["comparisons"]) {
      CAPTURE(wanted.dump());
      const Figure& found =
          figure_of(report, wanted["judge"], best + wanted["against"].get<std::string>(), group_of(wanted));
      REQUIRE(found.value.has_value());
      CHECK(std::abs(*found.value - wanted["difference"].get<double>()) <= 1e-12);
    }
  }
}

}  // namespace
}  // namespace endorm
