#include "report/bench_table.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "report/comparison_tables.h"
#include "report/terminal_text.h"
#include "tests/report/bench_reports.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

Figure figure(const std::string& name, const std::string& group, std::optional<double> value, std::size_t n) {
  Figure result;
  result.name = name;
  result.group = group;
  result.value = value;
  result.n = n;
  return result;
}

// Two judges; the second lacks a figure of the first, and has one of its own.
BenchReport two_judges() {
  BenchReport report;
  report.benchmark = "pairs";
  report.notes = {"one part is missing"};
  report.judges.resize(2);
  JudgeReport& first = report.judges[0];
  first.name = "endorm";
  first.table.figures = {figure("accuracy", "all", 0.75, 8), figure("margin", "", -1.25, 8),
                         figure("accuracy", "absent", std::nullopt, 0)};
  first.table.figures[0].interval = Interval{0.5, 0.9};
  first.table.figures[0].ties = 1;
  first.table.figures[0].failed = 2;
  first.table.figures[1].fraction = false;
  first.length_correlations.emplace_back().spearman_within = -0.4;
  first.counts.failed_comparisons = 2;
  first.counts.inconsistent = 1;
  JudgeReport& second = report.judges[1];
  second.name = "random";
  second.table.figures = {figure("accuracy", "all", 0.5, 10), figure("F1", "own", 1.0, 3)};
  second.table.figures[1].variant = "mean";
  second.counts.unparsed = 4;
  JudgeComparison comparison;
  comparison.examples = 8;
  ComparedFigure& compared = comparison.figures.emplace_back();
  compared.first = first.table.figures[0];
  compared.second = second.table.figures[0];
  compared.difference = 0.25;
  compared.interval = Interval{-0.1, 0.6};
  compared.p_value = 0.00001;
  compared.p_value_by = "bootstrap";
  comparison.notes = {"one note"};
  report.comparisons = {{1, comparison}};
  return report;
}

TEST_CASE("the tables of a terminal, line by line") {
  const std::vector<std::string> expected = {"pairs: accuracy, all",
                                             "judge      %  95 % interval   n  ties  failed  unparsed  with length",
                                             "endorm  75.0   50.0 to 90.0   8     1       2         0        -0.40",
                                             "random  50.0              -  10     0       0         4            -",
                                             "",
                                             "every figure",
                                             "figure          n  endorm       random",
                                             "accuracy, all   8    75.0  50.0 (n 10)",
                                             "margin          8  -1.250            -",
                                             "F1, own (mean)  3       -        100.0",
                                             "",
                                             "how much better endorm is (paired bootstrap)",
                                             "against endorm  difference  95 % interval        p  n",
                                             "random                25.0  -10.0 to 60.0  <0.0001  8",
                                             "",
                                             "note: one part is missing",
                                             "note: endorm: no verdict on 0 responses and 2 pairs.",
                                             "note: endorm: 1 pair with contradicting verdicts in the two orders."};
  CHECK(lines_of(bench_tables(two_judges(), TableForm::kTerminal)) == expected);
}

TEST_CASE("the same in Markdown") {
  const std::vector<std::string> lines = lines_of(bench_tables(two_judges(), TableForm::kMarkdown));
  const std::vector<std::string> begin = {"### pairs: accuracy, all",
                                          "",
                                          "| judge | % | 95 % interval | n | ties | failed | unparsed | with length |",
                                          "|---|---:|---:|---:|---:|---:|---:|---:|",
                                          "| endorm | 75.0 | 50.0 to 90.0 | 8 | 1 | 2 | 0 | -0.40 |",
                                          "| random | 50.0 | - | 10 | 0 | 0 | 4 | - |",
                                          ""};
  REQUIRE(lines.size() > begin.size());
  CHECK(std::vector<std::string>(lines.begin(), lines.begin() + 7) == begin);
  CHECK(lines.back() == "- endorm: 1 pair with contradicting verdicts in the two orders.");
}

TEST_CASE("matrices: of every judge in Markdown, of the first kind alone in a terminal; empty ones nowhere") {
  BenchReport report = two_judges();
  const std::vector<Figure> cells = {figure("", "", 0.25, 1), figure("", "", std::nullopt, 0), figure("", "", 1.0, 1),
                                     figure("", "", 0.5, 4)};
  const Matrix matrix{"accuracy", "chat", "chosen", "rejected", {"0", "1"}, {"0", "1"}, cells};
  Matrix other = matrix;
  other.group = "code";
  Matrix empty = matrix;
  empty.group = "math";
  empty.cells.assign(4, figure("", "", std::nullopt, 0));
  report.judges[0].table.matrices = {matrix, other, empty};
  const std::string terminal = bench_tables(report, TableForm::kTerminal);
  CHECK(contains(terminal,
                 "endorm: accuracy, chat\n"
                 "chosen \\ rejected            0           1\n"
                 "0                   25.0 (n 1)           -\n"
                 "1                  100.0 (n 1)  50.0 (n 4)\n"));
  for (Figure& cell : report.judges[0].table.matrices[0].cells) {
    cell.n = 4;
  }
  CHECK(contains(bench_tables(report, TableForm::kTerminal),
                 "endorm: accuracy, chat (n 4)\n"
                 "chosen \\ rejected      0     1\n"
                 "0                   25.0     -\n"
                 "1                  100.0  50.0\n"));
  CHECK_FALSE(contains(terminal, "accuracy, code"));
  const std::string markdown = bench_tables(report, TableForm::kMarkdown);
  CHECK(contains(markdown, "| chosen \\\\ rejected | 0 | 1 |"));
  CHECK(contains(markdown, "endorm: accuracy, code"));
  CHECK_FALSE(contains(markdown, "accuracy, math"));
}

TEST_CASE("a sweep marks what was asked for and what was chosen") {
  BenchReport report = two_judges();
  SweepReport sweep{"accuracy (all)", {}, 1};
  sweep.rows.push_back({{}, 0.5, figure("accuracy", "all", 0.25, 4)});
  sweep.rows.push_back({{Aggregation::kMean, 0.9, 0.5}, 0.75, figure("accuracy", "all", 0.5, 4)});
  sweep.rows[1].reporting.interval = Interval{0.0, 1.0};
  sweep.rows[1].selection_n = 6;
  report.sweep = sweep;
  CHECK(contains(bench_tables(report, TableForm::kTerminal),
                 "sweep: accuracy (all)\n"
                 "setting                      on the half that chooses  n  on the other half  95 % interval  n\n"
                 "discounted 0.930 (as asked)                      50.0  0               25.0              -  4\n"
                 "mean, alpha 0.500 (chosen)                       75.0  6               50.0   0.0 to 100.0  4\n"));
  report.sweep->chosen.reset();
  const std::string undecided = bench_tables(report, TableForm::kTerminal);
  CHECK_FALSE(contains(undecided, "(chosen)"));
  CHECK(contains(undecided, "note: Of the sweep no setting is chosen: the half that chooses has fewer than 20"));
}

TEST_CASE("the comparison of two judges alone") {
  CHECK(comparison_table("a (1)", "b (2)", two_judges().comparisons[0].second, TableForm::kTerminal) ==
        "a (1) against b (2), 8 examples (paired bootstrap)\n"
        "figure         a (1)  b (2)  difference  95 % interval        p  n\n"
        "accuracy, all   75.0   50.0        25.0  -10.0 to 60.0  <0.0001  8\n"
        "\n"
        "note: one note\n");
}

TEST_CASE("of many rows that were left out, the first are told") {
  BenchReport report = two_judges();
  for (std::size_t row = 1; row <= 8; ++row) {
    report.faults.push_back({"pairs.jsonl", row, "", "it is empty"});
  }
  const std::string text = bench_tables(report, TableForm::kTerminal);
  CHECK(contains(text, "note: left out: pairs.jsonl, row 5: it is empty\nnote: 3 more rows left out: see --json.\n"));
  CHECK_FALSE(contains(text, "row 6"));
}

TEST_CASE("the first reason for which a judge gave no verdict is told") {
  BenchReport report = two_judges();
  JudgedExample& row = report.judges[0].rows.emplace_back();
  row.id = "e";
  row.responses.resize(2);
  row.responses[0].reward = 1.0;
  row.responses[1].error = "it is too long";
  const std::string told = "note: endorm: no verdict on 0 responses and 2 pairs; the first, of e: it is too long\n";
  CHECK(contains(bench_tables(report, TableForm::kTerminal), told));
}

TEST_CASE("a report without judges or figures is told as one") {
  CHECK(contains(bench_tables({}, TableForm::kTerminal), "no figure"));
}

TEST_CASE("best of several: what needs no judge, choices against it, what the responses are like, what failed") {
  BenchReport report = test::responses_report();
  measure_report(report, test::few_resamples());
  const std::string text = bench_tables(report, TableForm::kTerminal);
  INFO(text);
  CHECK(text.starts_with("bestof: best@2, sums\n"));
  CHECK(contains(text, "no judge: maj@2    50.0    9.5 to 90.5  2     2       1         -            -\n"));
  CHECK(contains(text,
                 "every figure\n"
                 "figure        n  endorm  verifier  no judge\n"
                 "best@2, sums  2   100.0      25.0         -\n"
                 "avg@2, sums   2       -         -      50.0\n"
                 "maj@2, sums   2       -         -      50.0\n"
                 "pass@2, sums  2       -         -     100.0\n\n"));
  CHECK(contains(text, "choices against chance and the vote (exact test)\n"));
  CHECK(contains(text, "judge and figure                   difference  95 % interval  p (Holm)  n\n"));
  CHECK(contains(text, "endorm: best@2 less avg@2, sums          50.0              -    1.0000  2\n"));
  CHECK(contains(text, "note: Where fewer than 20 prompts decide a figure"));
  CHECK(contains(text, "responses\nsubset  questions  failed  responses  correct %"));
  CHECK(contains(text, "note: 1 question could not be asked; the first, sums/2: too long\n"));
  CHECK(
      contains(text, "note: endorm: no verdict on 1 response and 0 pairs; the first, of sums/3: the text is empty\n"));
  report.judges.clear();
  measure_report(report, test::few_resamples());
  CHECK(bench_tables(report, TableForm::kTerminal).starts_with("bestof: avg@2, sums\n"));
}

TEST_CASE("p-values that stand beside others are corrected, those of one judge are not") {
  BenchReport report = two_judges();
  CHECK_FALSE(contains(bench_tables(report, TableForm::kTerminal), "Holm"));
  report.judges.push_back(report.judges[1]);
  report.judges.back().name = "length";
  report.comparisons.emplace_back(2, report.comparisons[0].second);
  report.comparisons[0].second.figures[0].holm_p_value = 0.04;
  report.comparisons[1].second.figures[0].p_value = 0.03;
  report.comparisons[1].second.figures[0].holm_p_value = 0.05;
  const std::string text = bench_tables(report, TableForm::kTerminal);
  CHECK(contains(text, "against endorm  difference  95 % interval  p (Holm)  n\n"));
  CHECK(contains(text, "random                25.0  -10.0 to 60.0    0.0400  8\n"));
  CHECK(contains(text, "length                25.0  -10.0 to 60.0    0.0500  8\n"));
}

TEST_CASE("both rules of ties stand in the table where they differ") {
  BenchReport report = two_judges();
  for (const TieRule rule : {TieRule::kWrong, TieRule::kHalf}) {
    report.judges[0].table.figures[0].other_ties = 0.8;
    report.judges[0].table.ties = rule;
    const std::string other = rule == TieRule::kWrong ? "% if ties half" : "% if ties wrong";
    const std::string text = bench_tables(report, TableForm::kMarkdown);
    CHECK(contains(text, "| judge | % | 95 % interval | n | ties | " + other + " | failed |"));
    CHECK(contains(text, "| endorm | 75.0 | 50.0 to 90.0 | 8 | 1 | 80.0 | 2 |"));
    CHECK(contains(text, "| random | 50.0 | - | 10 | 0 | 50.0 | 0 |"));
  }
}

TEST_CASE("figures that differ in their group alone are one row") {
  BenchReport report = two_judges();
  for (JudgeReport& judge : report.judges) {
    Figure again = judge.table.figures[0];
    again.group = "chat";
    judge.table.figures.push_back(again);
    again.group = "code";
    again.value = 0.25;
    judge.table.figures.push_back(again);
  }
  const std::string text = bench_tables(report, TableForm::kMarkdown);
  CHECK(contains(text, "| accuracy, all, chat | 8 | 75.0 | 50.0 (n 10) |"));
  CHECK(contains(text, "| accuracy, code | 8 | 25.0 | 25.0 (n 10) |"));
}

TEST_CASE("nothing in a name steers the terminal or breaks a table") {
  const std::string hostile = "a|b\\|c\x1b[2J\x07\nd<script>";
  BenchReport report = two_judges();
  report.benchmark = hostile;
  report.notes = {hostile};
  report.faults = {{hostile, 1, hostile, hostile}};
  for (JudgeReport& judge : report.judges) {
    judge.name += hostile;
    judge.table.notes = {hostile + " of the judge"};
    for (Figure& own : judge.table.figures) {
      own.name += hostile;
      own.group = hostile;
      own.variant = hostile;
    }
    judge.table.matrices = {{hostile, hostile, hostile, hostile, {hostile}, {hostile}, {figure("", "", 0.5, 1)}}};
  }
  report.comparisons[0].second.notes = {hostile};
  report.sweep = SweepReport{hostile, {{{}, 0.5, {}}}, 0};
  for (const TableForm form : {TableForm::kTerminal, TableForm::kMarkdown}) {
    const std::string text =
        bench_tables(report, form) + comparison_table(hostile, hostile, report.comparisons[0].second, form);
    CHECK(std::none_of(text.begin(), text.end(), [](char byte) {
      return byte != '\n' && (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F);
    }));
    CHECK(contains(text, "u{1b}[2J") == (form == TableForm::kTerminal));
  }
  for (const std::string& line : lines_of(bench_tables(report, TableForm::kMarkdown))) {
    INFO(line);
    CHECK_FALSE(contains(line, "b\\|c\\"));  // a bar behind a backslash ends no cell: both are escaped
    std::size_t bars = 0;                    // that end cells
    for (std::size_t i = 0; i < line.size(); ++i) {
      i += line[i] == '\\' ? 1 : 0;
      bars += i < line.size() && line[i] == '|' && line[i - (i > 0 ? 1 : 0)] != '\\' ? 1 : 0;
    }
    CHECK((bars == 0 || line[0] == '|'));
    CHECK_FALSE(contains(line, " <script"));
    CHECK_FALSE(contains(line, "d<script"));
  }
}

}  // namespace
}  // namespace endorm
