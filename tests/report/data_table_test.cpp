#include "report/data_table.h"

#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "report/figure_data.h"
#include "report/records_table.h"
#include "report/run_table.h"
#include "tests/report/bench_reports.h"
#include "tests/report/result_lines.h"

namespace endorm {
namespace {

using nlohmann::json;

TEST_CASE("CSV quotes what would end a cell, and keeps every digit") {
  DataTable table({"a,b", "n", "x"});
  table.add({std::string("say \"hi\",\nthen go"), std::size_t{12}, 0.1 + 0.2});
  table.add({std::string("plain"), {}, -1e-300});
  CHECK(table.csv() == "\"a,b\",n,x\n\"say \"\"hi\"\",\nthen go\",12,0.30000000000000004\nplain,,-1e-300\n");
}

TEST_CASE("LaTeX spells out its own characters, and leaves empty columns out") {
  DataTable table({"name", "nothing", "x_1"});
  table.add({std::string("a_b & 50 % {\\x}\n^~#$"), {}, -1.25});
  table.add({std::string(), std::string(), 2.0});
  CHECK(table.latex() ==
        "\\begin{tabular}{lr}\n  \\hline\n  name & x\\_1 \\\\\n  \\hline\n"
        "  a\\_b \\& 50 \\% \\{\\textbackslash{}x\\} \\textasciicircum{}\\textasciitilde{}\\#\\$ & $-1.2500$ \\\\\n"
        "   & 2.0000 \\\\\n  \\hline\n\\end{tabular}\n");
}

TEST_CASE("a row of another length is refused") {
  DataTable table({"a", "b"});
  CHECK_THROWS_AS(table.add({1.0}), InternalError);
}

TEST_CASE("records as data: the rows' own numbers, the best marked, failures with their reason") {
  json pair = row_of(1, {response_of(-1.2345678901234567, 2, "Yes"), response_of(-20.0, 3, "No")});
  pair["chosen"] = 0;
  std::istringstream file =
      file_of({manifest_line(), pair, failed_row(2, "not JSON"), row_of(3, {response_of(-0.5), {{"error", "long"}}})});
  CHECK(records_data(file).csv() ==
        "record,response,highest,reward,log_prob_per_token,tokens,error\n"
        "r1,chosen,yes,-1.2345678901234567,-1.2345678901234567,2,\n"
        "r1,rejected,,-20,-20,3,\n"
        "line 2,,,,,,not JSON\n"
        "r3,1,,-0.5,-0.5,2,\n"
        "r3,2,,,,,long\n");
}

TEST_CASE("figures as data: every figure of every judge, and the differences") {
  BenchReport report = test::pairs_report();
  measure_report(report, test::few_resamples());
  std::istringstream lines(figure_data(report).csv());
  std::string line;
  std::getline(lines, line);
  CHECK(line == "judge,against,figure,group,variant,value,low,high,p,holm_p,n,ties,failed");
  std::size_t rows = 0;
  std::size_t against = 0;
  while (std::getline(lines, line)) {
    ++rows;
    against += line.rfind("endorm,length,", 0) == 0 ? 1 : 0;
  }
  std::size_t figures = 0;
  for (const JudgeReport& judge : report.judges) {
    figures += judge.table.figures.size();
  }
  CHECK(against == report.comparisons[0].second.figures.size());
  CHECK(rows == figures + against);
}

TEST_CASE("the metrics of a run as data") {
  const RunFile run{.manifest = nullptr, .kind = "sft", .metrics = {{"loss", {{1, 2.5}, {2, 0.1}}}}};
  CHECK(run_data(run).csv() ==
        "metric,n,first,last,least,least_at_step,greatest,greatest_at_step\nloss,2,2.5,0.1,0.1,2,2.5,1\n");
}

}  // namespace
}  // namespace endorm
