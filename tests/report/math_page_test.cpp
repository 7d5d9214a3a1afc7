#include "report/math_page.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "eval/math_json.h"
#include "tests/report/page_data.h"

namespace endorm {
namespace {

using nlohmann::json;

MathSample sample_of(const std::string& text, Verdict verdict, std::optional<std::size_t> vote) {
  MathSample sample;
  sample.text = text;
  sample.tokens = 7;
  sample.end = CompletionEnd::kEndOfTurn;
  sample.verdict = verdict;
  sample.answer_normal = verdict == Verdict::kUnparsable ? "" : text;
  sample.reason = "why " + text;
  sample.vote = vote;
  return sample;
}

MathRow row_of(const std::string& id) {
  MathRow row;
  row.problem.id = id;
  row.problem.key = "00";
  row.problem.suite = "sums";
  row.problem.subject = "addition";
  row.problem.level = "2";
  row.problem.question = "What is 2 + 3?";
  row.problem.reference = "5";
  return row;
}

MathRow sampled_row(const std::string& id) {
  MathRow row = row_of(id);
  row.samples = {sample_of("5", Verdict::kCorrect, 0), sample_of("6", Verdict::kWrong, 1)};
  return row;
}

JudgedExample judged_row_of(const std::string& id, const std::vector<std::optional<double>>& rewards) {
  JudgedExample judged;
  judged.id = id;
  judged.key = "00";
  judged.subset = "sums";
  judged.group = id;
  for (const std::optional<double>& reward : rewards) {
    JudgedResponse response;
    response.reward = reward;
    if (!reward) {
      response.error = "the text is empty";
    }
    response.characters = 1;
    judged.responses.push_back(std::move(response));
  }
  return judged;
}

// Three problems, the middle one of which could not be asked; two judges, the second with a reply.
MathReport report_of() {
  MathReport report;
  report.manifest = R"({"endorm": "0.1.0", "model": {"name": "small.gguf"}})";
  report.faults = {{"sums.jsonl", 3, "x", "the question is blank"}};
  report.rows = {sampled_row("sums/1"), row_of("sums/2"), sampled_row("sums/3")};
  report.rows[1].error = "too long";
  report.judges.push_back(
      {"endorm", "ab12", {judged_row_of("sums/1", {-1.5, -2.5}), judged_row_of("sums/3", {-3.5, std::nullopt})}, 0});
  report.judges.push_back(
      {"verifier", "cd34", {judged_row_of("sums/1", {0.25, 0.75}), judged_row_of("sums/3", {0.5, 0.5})}, 0});
  report.judges[1].rows[0].responses[1].replies = {"Yes."};
  report.shown.push_back({"sums/1",
                          {{"user", "What is 2 + 3?"}},
                          "endorm",
                          {{0, -1.5, {"5", "<end>"}, {-1.25, -0.25}}, {1, -2.5, {"6", "<end>"}, {-2.25, -0.25}}}});
  BootstrapOptions options;
  options.resamples = 10;
  measure_math(report, options);
  return report;
}

TEST_CASE("everything of a report is in the page, but the rows of the judges") {
  const MathReport report = report_of();
  json expected = json::parse(math_json(report));
  for (json& judge : expected["judges"]) {
    judge.erase("rows");
  }
  json data = data_of(render_math_page(report));
  for (json& row : data["rows"]) {
    row.erase("judged");
  }
  CHECK(data == expected);
  CHECK(data["figures"].size() == 5);  // avg@2, maj@2, best@2 by each judge, pass@2
  CHECK(data["counts"][0]["failed"] == 1);
  CHECK(data["shown"][0]["samples"][1]["log_prob"] == json{-2.25, -0.25});
}

TEST_CASE("a problem has beside it what every judge said of its samples") {
  const json rows = data_of(render_math_page(report_of()))["rows"];
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["judged"] == json::parse(R"([[{"reward": -1.5}, {"reward": -2.5}],
                                             [{"reward": 0.25}, {"reward": 0.75, "replies": ["Yes."]}]])"));
  CHECK(rows[1]["judged"] == json{nullptr, nullptr});
  CHECK(rows[1]["error"] == "too long");
  CHECK(rows[2]["judged"] == json::parse(R"([[{"reward": -3.5}, {"error": "the text is empty"}],
                                             [{"reward": 0.5}, {"reward": 0.5}]])"));
}

TEST_CASE("every text of a report stays data") {
  MathReport report = report_of();
  const std::string plain = render_math_page(report);
  report.manifest = json{{kHostile, kHostile}}.dump();
  report.faults = {{kHostile, 3, kHostile, kHostile}};
  for (MathRow& row : report.rows) {
    for (std::string* text : {&row.problem.suite, &row.problem.subject, &row.problem.level, &row.problem.question,
                              &row.problem.reference}) {
      *text = kHostile;
    }
    if (!row.error.empty()) {
      row.error = kHostile;
    }
    for (MathSample& sample : row.samples) {
      sample.text = sample.answer_normal = sample.reason = kHostile;
    }
  }
  for (MathJudge& judge : report.judges) {
    judge.name = judge.fingerprint = kHostile;
    for (JudgedExample& row : judge.rows) {
      for (JudgedResponse& response : row.responses) {
        response.replies = {kHostile};
        if (!response.reward) {
          response.error = kHostile;
        }
      }
    }
  }
  ShownProblem& shown = report.shown[0];
  shown.judge = shown.messages[0].role = shown.messages[0].content = shown.samples[0].token_texts[0] = kHostile;
  measure_math(report, {});
  const std::string page = render_math_page(report);

  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>", "<title", "<h1"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  const json data = data_of(page);
  CHECK(data["rows"][0]["samples"][0]["text"] == kHostile);
  CHECK(data["rows"][0]["judged"][1][1]["replies"] == json{kHostile});
  CHECK(data["shown"][0]["samples"][0]["token_texts"][0] == kHostile);
}

TEST_CASE("a sample or a reply that ends within a character still makes a page") {
  MathReport report = report_of();
  report.rows[0].samples[0].text = "caf\xC3";
  report.judges[1].rows[0].responses[0].replies = {"caf\xC3"};
  const json row = data_of(render_math_page(report))["rows"][0];
  CHECK(row["samples"][0]["text"] == "caf\xEF\xBF\xBD");
  CHECK(row["judged"][1][0]["replies"][0] == "caf\xEF\xBF\xBD");
}

TEST_CASE("the title names the suites") {
  MathReport report = report_of();
  report.rows[2].problem.suite = "<b>&";
  measure_math(report, {});
  CHECK(render_math_page(report).find("<title>EndoRM on sums, &lt;b&gt;&amp;</title>") != std::string::npos);
}

TEST_CASE("a report without judges, or without any problem, still makes a page") {
  MathReport report = report_of();
  report.judges.clear();
  report.shown.clear();
  measure_math(report, {});
  CHECK(data_of(render_math_page(report))["rows"][0]["judged"] == json::array());
  MathReport empty;
  empty.manifest = "{}";
  CHECK(data_of(render_math_page(empty))["rows"] == json::array());
}

TEST_CASE("a page of mathematical samples loads nothing from elsewhere") {
  const std::string page = render_math_page(report_of());
  for (const std::string_view loader : kLoaders) {
    INFO(loader);
    CHECK(occurrences(page, loader) == 0);
  }
}

}  // namespace
}  // namespace endorm
