// Tables of mathematical suites, made by hand.
#include "report/math_table.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/temporary_directory.h"

namespace endorm {
namespace {

MathFigure figure(const std::string& metric, const std::string& judge, const std::string& suite, double value) {
  MathFigure made;
  made.metric = metric;
  made.judge = judge;
  made.suite = suite;
  made.value = value;
  made.interval = Interval{value - 0.1, value + 0.1};
  made.n = 7;
  made.failed = 1;
  return made;
}

MathReport report() {
  MathReport made;
  for (const char* suite : {"one", "two"}) {
    MathCounts& counts = made.counts.emplace_back();
    counts.suite = suite;
    counts.problems = 8;
    counts.failed = 1;
    counts.samples = 28;
    counts.correct = 7;
    counts.truncated = 14;
    counts.tokens = 2800;
  }
  for (const char* suite : {"", "one", "two"}) {
    made.figures.push_back(figure("avg@4", "", suite, 0.25));
    made.figures.push_back(figure("best@4", "endorm", suite, 0.5));
    made.comparisons.push_back({"endorm", "avg@4", suite, 0.25, Interval{0.125, 0.375}, 0.00001, 7});
    made.comparisons.push_back({"endorm", "maj@4", suite, {}, {}, {}, 0});
  }
  made.figures.push_back(figure("avg@4", "", "two", 0.75));
  made.figures.back().level = "3";
  made.figures.push_back(figure("best@4", "endorm", "two", 0.625));
  made.figures.back().level = "3";
  made.judges = {{"endorm", "", {}, 2}};
  JudgedExample& judged = made.judges[0].rows.emplace_back();
  judged.id = "one/3";
  judged.responses.emplace_back().error = "the response is empty";
  MathRow& row = made.rows.emplace_back();
  row.problem.id = "one/5";
  row.error = "too \x1b[31mlong";
  for (std::size_t i = 1; i <= 7; ++i) {
    made.faults.push_back({"f.jsonl", i, "x", "bad | row"});
  }
  return made;
}

TEST_CASE("a table for each suite and for their mean, with a judge against chance") {
  const std::string text = math_tables(report(), TableForm::kTerminal);
  CAPTURE(text);
  CHECK(contains(text, "mean of the suites\n"));
  CHECK(contains(text, "\none\n"));
  CHECK(contains(text, "\ntwo\n"));
  CHECK(contains(text, "\navg@4 (pass@1)    25.0   15.0 to 35.0  7     0       1         -              -        -"));
  CHECK(contains(text, "best@4 by endorm  50.0   40.0 to 60.0  7     0       1      25.0   12.5 to 37.5  <0.0001"));
  CHECK(contains(
      text, "two by level\nlevel  n  avg@4 (pass@1)  best@4 by endorm\n3      7            75.0              62.5\n"));
  CHECK(!contains(text, "one by level"));
  CHECK(!contains(text, "by subject"));
  CHECK(contains(text, "one           8       1       28       25.0"));
  CHECK(contains(text, "note: 1 problem could not be asked; the first, one/5: too \\u{1b}[31mlong\n"));
  CHECK(contains(text, "note: endorm: no reward for 2 samples"));
  CHECK(contains(text, "of one/3: the response is empty\n"));
  CHECK(contains(text, "note: left out: f.jsonl, row 5: bad | row\nnote: 2 more rows left out"));
}

TEST_CASE("the same in Markdown") {
  const std::string text = math_tables(report(), TableForm::kMarkdown);
  CAPTURE(text);
  CHECK(text.starts_with("### mean of the suites\n\n| chosen by | % |"));
  CHECK(contains(text, "|---|---:|"));
  CHECK(contains(text, "- left out: f.jsonl, row 1: bad \\| row\n"));
}

}  // namespace
}  // namespace endorm
