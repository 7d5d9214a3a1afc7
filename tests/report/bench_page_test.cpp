#include "report/bench_page.h"

#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "eval/bench_json.h"
#include "tests/report/bench_reports.h"
#include "tests/report/page_data.h"

namespace endorm {
namespace {

using nlohmann::json;
using test::pairs_report;

std::string page_of(BenchReport report) {
  measure_report(report, test::few_resamples());
  return render_bench_page(report);
}

TEST_CASE("every text of a benchmark's report stays data") {
  BenchReport report = pairs_report();
  const std::string plain = page_of(report);
  report.benchmark = "pairs";
  report.manifest = std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json{{kHostile, kHostile}});
  report.notes = {kHostile};
  report.faults = {{kHostile, 3, kHostile, kHostile}};
  for (JudgeReport& judge : report.judges) {
    judge.name = judge.fingerprint = kHostile;
    for (JudgedExample& row : judge.rows) {
      row.subset = kHostile;
      row.responses[0].replies = {kHostile};
      row.comparisons[0].comparison.cell = kHostile;
    }
  }
  report.sweep->figure = kHostile;
  for (ShownPair& pair : report.shown) {
    pair.subset = pair.messages[0].role = pair.messages[0].content = pair.better.text = kHostile;
    pair.worse.token_texts[0] = kHostile;
  }
  const std::string page = page_of(report);

  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>", "<title", "<h1"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  const json data = data_of(page);
  CHECK(data["manifest"][kHostile] == kHostile);
  CHECK(data["judges"][0]["name"] == kHostile);
  CHECK(data["shown"][0]["messages"][0]["content"] == kHostile);
  CHECK(data["shown"][0]["better"]["text"] == kHostile);
}

TEST_CASE("the title is escaped, and names the benchmark where none is given") {
  BenchReport report = pairs_report();
  CHECK(page_of(report).find("<title>EndoRM on pairs</title>") != std::string::npos);
  const std::string titled = render_bench_page(report, {.title = "{{data}}</title>"});
  CHECK(titled.find("<title>{{data}}&lt;/title&gt;</title>") != std::string::npos);
  CHECK(occurrences(titled, kDataOpens) == 1);
}

TEST_CASE("a benchmark's page loads nothing from elsewhere") {
  const std::string page = page_of(pairs_report());
  for (const std::string_view loader : kLoaders) {
    INFO(loader);
    CHECK(occurrences(page, loader) == 0);
  }
}

TEST_CASE("everything but the rows is in the page") {
  BenchReport report = pairs_report();
  measure_report(report, test::few_resamples());
  json data = data_of(render_bench_page(report));
  for (json& pair : data["shown"]) {
    pair.erase("verdicts");
  }
  CHECK(data == json(bench_value(report, false)));
}

TEST_CASE("a shown pair has the verdict of every judge, found by the first judge's margin in its cell") {
  BenchReport report = pairs_report();
  JudgedComparison& silent = report.judges[1].rows[1].comparisons[1];
  silent.margin.reset();
  silent.error = "no verdict";
  silent.replies = {"Neither."};
  const json shown = data_of(page_of(report))["shown"];
  REQUIRE(shown.size() == 2);
  REQUIRE(shown[0]["verdicts"].size() == 2);
  CHECK(shown[0]["verdicts"][0]["margin"] == -1.0);
  CHECK(shown[0]["verdicts"][0]["better"]["reward"] == -2.5);
  CHECK(shown[0]["verdicts"][0]["worse"]["reward"] == -1.5);
  CHECK(shown[0]["verdicts"][1]["error"] == "no verdict");
  CHECK(shown[0]["verdicts"][1]["replies"] == json{"Neither."});
  CHECK(shown[1]["verdicts"][0]["margin"] == 0.5);
  CHECK(shown[1]["verdicts"][1]["margin"] == -28.0);
}

TEST_CASE("a judge that lacks a shown example has no verdict there") {
  BenchReport report = pairs_report();
  report.judges[1].rows.erase(report.judges[1].rows.begin());
  const json lacking = data_of(page_of(report))["shown"];
  CHECK(lacking[0]["verdicts"][1]["margin"] == -7.0);
  CHECK(lacking[1]["verdicts"] == json{lacking[1]["verdicts"][0], nullptr});
}

TEST_CASE("a report without judges, comparisons, sweep or pairs still makes a page") {
  BenchReport report;
  report.manifest = std::make_shared<nlohmann::ordered_json>(nlohmann::ordered_json::parse("{}"));
  report.benchmark = "pairs";
  CHECK(data_of(page_of(report)) == json(bench_value(report, false)));
}

TEST_CASE("a reply that ends within a character still makes a page") {
  BenchReport report = pairs_report();
  report.judges[0].rows[0].responses[0].replies = {"caf\xC3"};
  CHECK(data_of(page_of(report))["shown"][0]["verdicts"][0]["worse"]["replies"][0] == "caf\xEF\xBF\xBD");
}

TEST_CASE("of best of several every response is in the page, and what every judge said of it") {
  BenchReport report = test::responses_report();
  measure_report(report, test::few_resamples());
  json data = data_of(render_bench_page(report));
  const json rows = data["responses"]["rows"];
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["responses"] == json::parse(R"([{"text": "5"}, {"text": "6"}])"));
  CHECK(rows[0]["correct"] == json{true, false});
  CHECK(rows[0]["judged"] == json::parse(R"([[{"reward": -1.5, "characters": 1}, {"reward": -2.5, "characters": 1}],
                        [{"reward": 0.25, "characters": 1}, {"reward": 0.75, "characters": 1, "replies": ["Yes."]}]])"));
  CHECK(rows[1]["judged"] == json::parse("[[], []]"));
  CHECK(rows[1]["error"] == "too long");
  CHECK(rows[2]["judged"][0][1]["error"] == "the text is empty");
  data["responses"].erase("rows");
  CHECK(data == json(bench_value(report, false)));
  CHECK(data["responses"]["counts"][0]["failed"] == 1);
  CHECK(data["responses"]["figures"].size() == 3);  // avg@2, maj@2, pass@2
  CHECK(data["judges"][0]["figures"][0]["name"] == "best@2");
  CHECK(data["responses"]["shown"][0]["responses"][1]["log_prob"] == json{-2.25, -0.25});
  // The page of several subsets names them; without judges it still is one.
  report.responses->examples[2].subset = "<b>&";
  report.judges.clear();
  measure_report(report, test::few_resamples());
  const std::string page = render_bench_page(report);
  CHECK(page.find("<title>EndoRM on sums, &lt;b&gt;&amp;</title>") != std::string::npos);
  CHECK(data_of(page)["responses"]["rows"][0]["judged"] == json::array());
}

TEST_CASE("every text of responses stays data, and may end within a character") {
  BenchReport report = test::responses_report();
  const std::string plain = page_of(report);
  for (Example& example : report.responses->examples) {
    for (std::string* text : {&example.subset, &example.subject, &example.level, &example.drawn->reference,
                              &example.drawn->error, &example.request.messages[0].content}) {
      *text = kHostile;
    }
    for (RequestResponse& response : example.request.responses) {
      response.text.text = kHostile + "caf\xC3";
    }
    for (std::string& answer : example.drawn->answers) {
      answer = kHostile;
    }
  }
  report.responses->shown[0].responses[0].token_texts[0] = kHostile;
  const std::string page = page_of(report);
  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>", "<title", "<h1"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  CHECK(data_of(page)["responses"]["rows"][0]["responses"][0]["text"] == kHostile + "caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace endorm
