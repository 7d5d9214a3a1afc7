// Figures of samples: by hand, and against tests/golden/eval_math.py.
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/math_report.h"
#include "tests/eval/math_rows.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using nlohmann::json;
using test::row_of;

BootstrapOptions resamples(std::size_t count) {
  BootstrapOptions options;
  options.resamples = count;
  return options;
}

// A judge with these rewards; NaN: none.
MathJudge judge_of(const std::string& name, const std::vector<MathRow>& rows,
                   const std::vector<std::vector<double>>& rewards) {
  MathJudge judge{name, "fingerprint", {}, 0};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].samples.empty()) {
      continue;
    }
    JudgedExample& judged = judge.rows.emplace_back();
    judged.id = rows[i].problem.id;
    for (const double reward : rewards[i]) {
      JudgedResponse& response = judged.responses.emplace_back();
      if (!std::isnan(reward)) {
        response.reward = reward;
      }
    }
  }
  return judge;
}

const MathFigure& figure_of(const MathReport& report, const std::string& metric, const std::string& judge = "",
                            const std::string& suite = "s", const std::string& subject = "",
                            const std::string& level = "") {
  for (const MathFigure& figure : report.figures) {
    if (figure.metric == metric && figure.judge == judge && figure.suite == suite && figure.subject == subject &&
        figure.level == level) {
      return figure;
    }
  }
  FAIL("no figure ", metric, " by ", judge, " of ", suite, ", ", subject, ", ", level);
  return report.figures.front();
}

const MathComparison& comparison_of(const MathReport& report, const std::string& judge, const std::string& against,
                                    const std::string& suite = "s") {
  for (const MathComparison& comparison : report.comparisons) {
    if (comparison.judge == judge && comparison.against == against && comparison.suite == suite) {
      return comparison;
    }
  }
  FAIL("no comparison of ", judge, " with ", against, " on ", suite);
  return report.comparisons.front();
}

const double kNone = std::nan("");

TEST_CASE("two problems by hand") {
  MathReport report;
  report.rows = {row_of("1", "5", {"\\boxed{5}", "\\boxed{5}", "\\boxed{6}", "\\boxed{7}"}),
                 row_of("2", "5", {"\\boxed{6}", "\\boxed{6}", "\\boxed{5}", ""})};
  report.rows[1].samples[0].end = CompletionEnd::kLength;
  report.rows[1].samples[1].end = CompletionEnd::kStop;
  report.judges = {judge_of("good", report.rows, {{1, 0, 0, 0}, {0, 0, 1, 0}}),
                   judge_of("tied", report.rows, {{1, 1, 1, 0}, {kNone, 2, 2, kNone}})};
  measure_math(report, resamples(500));

  CHECK(*figure_of(report, "avg@4").value == (0.5 + 0.25) / 2);
  CHECK(*figure_of(report, "maj@4").value == 0.5);
  CHECK(*figure_of(report, "best@4", "good").value == 1.0);
  CHECK(*figure_of(report, "best@4", "tied").value == doctest::Approx((2.0 / 3.0 + 0.5) / 2).epsilon(1e-15));
  CHECK(figure_of(report, "best@4", "tied").ties == 2);
  CHECK(*figure_of(report, "pass@2").value == doctest::Approx(((1 - 1.0 / 6) + (1 - 3.0 / 6)) / 2).epsilon(1e-15));
  CHECK(*figure_of(report, "pass@4").value == 1.0);
  CHECK(figure_of(report, "avg@4").n == 2);
  CHECK(figure_of(report, "best@4", "good").interval->low == 1.0);
  CHECK(figure_of(report, "best@4", "good").interval->high == 1.0);
  CHECK(figure_of(report, "maj@4").interval->low == 0.0);
  CHECK(figure_of(report, "maj@4").interval->high == 1.0);
  CHECK(*comparison_of(report, "good", "avg@4").difference == 1.0 - 0.375);
  CHECK(*comparison_of(report, "good", "maj@4").difference == 0.5);
  CHECK(comparison_of(report, "good", "maj@4").interval->low == 0.0);
  CHECK(comparison_of(report, "good", "maj@4").n == 2);
  CHECK(report.judges[1].failed == 2);
  CHECK(report.judges[0].rows[0].correct == std::vector<bool>{true, true, false, false});

  REQUIRE(report.counts.size() == 1);
  const MathCounts& counts = report.counts[0];
  CHECK(counts.suite == "s");
  CHECK(counts.problems == 2);
  CHECK(counts.samples == 8);
  CHECK(counts.correct == 3);
  CHECK(counts.wrong == 4);
  CHECK(counts.unparsable == 1);
  CHECK(counts.truncated == 1);
  CHECK(counts.stopped == 1);
}

TEST_CASE("a problem without samples, or without a reward, fails and is averaged nowhere") {
  MathReport report;
  report.rows = {row_of("1", "5", {"\\boxed{5}", "\\boxed{6}"}),
                 {test::problem_of("2", "q", "5"), {}, "too long"},
                 row_of("3", "5", {"\\boxed{6}", "\\boxed{6}"})};
  report.judges = {judge_of("silent", report.rows, {{kNone, kNone}, {}, {1, 1}})};
  measure_math(report, resamples(50));
  CHECK(figure_of(report, "avg@2").n == 2);
  CHECK(figure_of(report, "avg@2").failed == 1);
  CHECK(*figure_of(report, "avg@2").value == 0.25);
  CHECK(figure_of(report, "best@2", "silent").n == 1);
  CHECK(figure_of(report, "best@2", "silent").failed == 2);
  CHECK(*figure_of(report, "best@2", "silent").value == 0.0);
  CHECK(*comparison_of(report, "silent", "avg@2").difference == 0.0);  // on the problem that it judged
  CHECK(comparison_of(report, "silent", "avg@2").n == 1);
  CHECK(report.counts[0].failed == 1);
}

TEST_CASE("one sample leaves nothing to choose; no sample at all leaves no figure") {
  MathReport report;
  report.rows = {row_of("1", "5", {"\\boxed{5}"})};
  measure_math(report, resamples(10));
  REQUIRE(report.figures.size() == 1);
  CHECK(report.figures[0].metric == "avg@1");
  report.rows = {{test::problem_of("2", "q", "5"), {}, "too long"}};
  measure_math(report, resamples(10));
  CHECK(report.figures.empty());
  CHECK(report.counts[0].failed == 1);
}

TEST_CASE("the same seed gives the same intervals, another one others") {
  MathReport report;
  for (int i = 0; i < 30; ++i) {
    report.rows.push_back(row_of(std::to_string(i), "5", {"\\boxed{5}", i % 3 == 0 ? "\\boxed{5}" : "\\boxed{6}"}));
  }
  measure_math(report, resamples(200));
  const Interval first = *figure_of(report, "avg@2").interval;
  measure_math(report, resamples(200));
  CHECK(figure_of(report, "avg@2").interval->low == first.low);
  CHECK(first.low < *figure_of(report, "avg@2").value);
  CHECK(first.high > *figure_of(report, "avg@2").value);
  BootstrapOptions other = resamples(200);
  other.seed = 1;
  measure_math(report, other);
  CHECK((figure_of(report, "avg@2").interval->low != first.low ||
         figure_of(report, "avg@2").interval->high != first.high));
  measure_math(report, resamples(0));
  CHECK(!figure_of(report, "avg@2").interval);
}

TEST_CASE("rows that fit no judge, or one another, are refused") {
  MathReport report;
  report.rows = {row_of("1", "5", {"\\boxed{5}", "\\boxed{6}"}), row_of("2", "5", {"\\boxed{5}", "\\boxed{6}"})};
  report.judges = {judge_of("a", report.rows, {{1, 2}, {1, 2}})};
  MathReport fewer = report;
  fewer.judges[0].rows.pop_back();
  CHECK(contains(message_of<InvalidInput>([&] { measure_math(fewer, resamples(1)); }), "1 rows of 2 problems"));
  MathReport other = report;
  other.judges[0].rows[1].id = "s/3";
  CHECK(contains(message_of<InvalidInput>([&] { measure_math(other, resamples(1)); }), "expected s/2"));
  MathReport uneven = report;
  uneven.rows[1].samples.pop_back();
  CHECK(contains(message_of<InvalidInput>([&] { measure_math(uneven, resamples(1)); }), "as many of each"));
  BootstrapOptions bad = resamples(1);
  bad.level = 1.0;
  CHECK_THROWS_AS(measure_math(report, bad), InvalidInput);
}

TEST_CASE("pass_at refuses what is not defined") {
  CHECK_THROWS_AS(pass_at(0, 1, 0), InvalidInput);
  CHECK_THROWS_AS(pass_at(2, 1, 0), InvalidInput);
  CHECK_THROWS_AS(pass_at(1, 1, 2), InvalidInput);
}

const json& golden() {
  static const json loaded = json::parse(std::ifstream(ENDORM_SOURCE_DIR "/tests/golden/eval_math.json"));
  return loaded;
}

std::string text_or_empty(const json& value) { return value.is_null() ? "" : value.get<std::string>(); }

TEST_CASE("golden: pass_at in exact fractions") {
  for (const json& one : golden().at("pass_at")) {
    CAPTURE(one.dump());
    const double value = pass_at(one["j"], one["n"], one["c"]);
    CHECK(std::abs(value - one["value"].get<double>()) <= 1e-12);
  }
}

TEST_CASE("golden: figures and comparisons of random samples") {
  for (const json& one : golden().at("cases")) {
    MathReport report;
    std::map<std::string, std::vector<std::vector<double>>> rewards;
    for (const json& made : one.at("problems")) {
      MathRow& row = report.rows.emplace_back();
      row.problem.id = made["id"];
      row.problem.suite = made["suite"];
      row.problem.subject = made["subject"];
      row.problem.level = made["level"];
      for (const json& sample : made["samples"]) {
        MathSample& own = row.samples.emplace_back();
        own.verdict = sample["verdict"] == "correct" ? Verdict::kCorrect
                      : sample["verdict"] == "wrong" ? Verdict::kWrong
                                                     : Verdict::kUnparsable;
        if (!sample["vote"].is_null()) {
          own.vote = sample["vote"].get<std::size_t>();
        }
      }
      for (const char* judge : {"steady", "patchy"}) {
        std::vector<double>& list = rewards[judge].emplace_back();
        if (!made["rewards"].contains(judge)) {
          continue;
        }
        for (const json& reward : made["rewards"][judge]) {
          list.push_back(reward.is_null() ? kNone : reward.get<double>());
        }
      }
    }
    for (const char* judge : {"steady", "patchy"}) {
      report.judges.push_back(judge_of(judge, report.rows, rewards[judge]));
    }
    measure_math(report, resamples(0));
    CHECK(report.figures.size() == one["figures"].size());
    for (const json& wanted : one["figures"]) {
      CAPTURE(wanted.dump());
      const MathFigure& found = figure_of(report, wanted["metric"], wanted["judge"], text_or_empty(wanted["suite"]),
                                          text_or_empty(wanted["subject"]), text_or_empty(wanted["level"]));
      REQUIRE(found.value.has_value() == !wanted["value"].is_null());
      if (found.value) {
        CHECK(std::abs(*found.value - wanted["value"].get<double>()) <= 1e-12);
      }
    }
    CHECK(report.comparisons.size() == one["comparisons"].size());
    for (const json& wanted : one["comparisons"]) {
      CAPTURE(wanted.dump());
      const MathComparison& found =
          comparison_of(report, wanted["judge"], wanted["against"], text_or_empty(wanted["suite"]));
      REQUIRE(found.difference.has_value());
      CHECK(std::abs(*found.difference - wanted["difference"].get<double>()) <= 1e-12);
    }
  }
}

}  // namespace
}  // namespace endorm
