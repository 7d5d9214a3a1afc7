// Samples as questions to a judge; the whole report as JSON and back; what is shown token by token.
#include "eval/math_report.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "eval/judging_run.h"
#include "eval/math_json.h"
#include "eval/shown_problems.h"
#include "judge/judge.h"
#include "tests/eval/math_rows.h"
#include "tests/eval/tabular_examples.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using test::row_of;

// Rows whose texts are the tabular engine's; the second was not asked.
std::vector<MathRow> tabular_rows() {
  std::vector<MathRow> rows = {row_of("1", "5", {"[1][2]", "[3]", "[1][2][0]"}),
                               {test::problem_of("2", "q", "5"), {}, "no"},
                               row_of("3", "5", {"[0]", "", "[2][2]"})};
  for (MathRow& row : rows) {
    row.problem.question = "[0][1]";
  }
  rows[0].samples[1].end = CompletionEnd::kLength;
  rows[0].samples[2].end = CompletionEnd::kStop;
  return rows;
}

MathPrompt bare() {
  MathPrompt prompt;
  prompt.instruction = "";
  return prompt;
}

MathReport judged_report() {
  MathReport report;
  report.manifest = R"({"endorm":"test"})";
  report.faults = {{.file = "f.jsonl", .row = 3, .id = "x", .message = "bad"}};
  report.rows = tabular_rows();
  const std::vector<Example> examples = math_examples(report.rows, bare());
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  for (const char* name : {"endorm", "length"}) {
    const Judge judge = make_judge(name, {engine, cache});
    report.judges.push_back({name, judge.fingerprint, run_judge(examples, *judge.scorer, {}, nullptr, {}, {}), 0});
    if (report.shown.empty()) {
      report.shown = shown_problems(examples, name, *judge.scorer, 1);
    }
  }
  BootstrapOptions options;
  options.resamples = 100;
  measure_math(report, options);
  return report;
}

TEST_CASE("samples become responses, in their order; one that did not end its turn is cut off") {
  const std::vector<MathRow> rows = tabular_rows();
  const std::vector<Example> examples = math_examples(rows, bare());
  REQUIRE(examples.size() == 2);
  const Example& example = examples[0];
  CHECK(example.request.id == "s/1");
  CHECK(example.request.messages.back().content == "[0][1]");
  REQUIRE(example.request.responses.size() == 3);
  CHECK(example.request.responses[0].text.text == "[1][2]");
  CHECK(!example.request.responses[0].text.truncated);
  CHECK(example.request.responses[1].text.truncated);
  CHECK(example.request.responses[2].text.truncated);
  CHECK(example.correct.size() == 3);
  CHECK(example.subset == "s");
  // The key is of the texts and their ends, and not of the verdicts.
  std::vector<MathRow> changed = rows;
  changed[0].samples[0].verdict = Verdict::kCorrect;
  CHECK(math_examples(changed, bare())[0].request.key == example.request.key);
  changed[0].samples[0].end = CompletionEnd::kLength;
  CHECK(math_examples(changed, bare())[0].request.key != example.request.key);
  changed = rows;
  changed[0].samples[0].text += "[0]";
  CHECK(math_examples(changed, bare())[0].request.key != example.request.key);
}

TEST_CASE("an empty sample gets no reward, and the problem is judged all the same") {
  const MathReport report = judged_report();
  CHECK(report.judges[0].failed == 1);
  CHECK(!report.judges[0].rows[1].responses[1].reward);
  CHECK(report.judges[0].rows[1].responses[2].reward.has_value());
  for (const MathFigure& figure : report.figures) {
    if (figure.judge == "endorm") {
      CHECK(figure.n == 2);
    }
  }
}

TEST_CASE("a report reads back: the same JSON comes of it") {
  const MathReport report = judged_report();
  const std::string text = math_json(report);
  CHECK(math_json(judged_report()) == text);
  MathReport back = read_math_json(text, "f");
  BootstrapOptions options;
  options.resamples = 100;
  measure_math(back, options);
  CHECK(math_json(back) == text);
  const nlohmann::json fields = nlohmann::json::parse(text);
  CHECK(fields["endorm_math"] == 1);
  CHECK(fields["rows"].size() == 3);
  CHECK(fields["rows"][1]["error"] == "no");
  CHECK(fields["judges"][0]["rows"].size() == 2);
  CHECK(fields["faults"][0]["row"] == 3);
  const nlohmann::json figures = nlohmann::json::parse(math_json(report, false));
  CHECK(figures["figures"] == fields["figures"]);
  CHECK(!figures.contains("rows"));
  CHECK(!figures["judges"][0].contains("rows"));
  CHECK_THROWS_WITH_AS(read_math_json(figures.dump(), "f"), doctest::Contains("--no-rows"), InvalidInput);
  REQUIRE(fields["shown"].size() == 1);
  CHECK(fields["shown"][0]["judge"] == "endorm");
  CHECK(fields["shown"][0]["samples"][0]["token_texts"].size() == fields["shown"][0]["samples"][0]["log_prob"].size());
}

TEST_CASE("what is no such report is refused") {
  const std::string text = math_json(judged_report());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t found = changed.find(from);
    REQUIRE(found != std::string::npos);
    return changed.replace(found, from.size(), to);
  };
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string("x"), text.substr(0, text.size() / 2),
        with("\"endorm_math\": 1", "\"endorm_math\": 2"), with("\"manifest\": {", "\"manifest\": 1, \"m\": {"),
        with("\"rows\": [", "\"rows\": [1,"), with("\"fingerprint\"", "\"print\""),
        with("\"log_prob\": [", "\"log_prob\": [0.5,")}) {
    CAPTURE(bad.substr(0, 200));
    CHECK(contains(message_of<InvalidInput>([&] { read_math_json(bad, "name.json"); }), "name.json"));
  }
}

TEST_CASE("shown problems are evenly taken; a judge that reads no tokens shows none") {
  const std::vector<Example> examples = math_examples(tabular_rows(), bare());
  TabularEngine engine = test::random_engine();
  StatsCache cache(std::nullopt);
  const Judge endorm = make_judge("endorm", {engine, cache});
  const std::vector<ShownProblem> shown = shown_problems(examples, "endorm", *endorm.scorer, 5);
  REQUIRE(shown.size() == 2);
  CHECK(shown[1].id == "s/3");
  REQUIRE(shown[1].samples.size() == 2);  // the empty one has no tokens
  CHECK(shown[1].samples[1].sample == 2);
  CHECK(shown[1].samples[1].token_texts.size() == shown[1].samples[1].log_prob.size());
  CHECK(shown_problems(examples, "endorm", *endorm.scorer, 0).empty());
  const Judge length = make_judge("length", {engine, cache});
  CHECK(shown_problems(examples, "length", *length.scorer, 5).empty());
}

}  // namespace
}  // namespace endorm
