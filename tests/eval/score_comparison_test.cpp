#include "eval/score_comparison.h"

#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/errors.h"

namespace endorm {
namespace {

struct Row {
  std::size_t line;
  bool is_pair;
  std::vector<std::string> rewards;  // empty: an error
};

ScoreTable table_of(const std::vector<Row>& rows, const std::string& data = "0") {
  std::ostringstream text;
  for (const Row& row : rows) {
    text << R"({"line":)" << row.line << R"(,"key":"00000000000000)" << data << row.line << '"'
         << (row.is_pair ? R"(,"chosen":0)" : "") << R"(,"responses":[)";
    for (std::size_t i = 0; i < row.rewards.size(); ++i) {
      text << (i > 0 ? "," : "")
           << (row.rewards[i].empty() ? R"({"error":"no"})" : R"({"reward":)" + row.rewards[i] + "}");
    }
    text << "]}\n";
  }
  std::istringstream lines(text.str());
  return ScoreTable::read(lines, "test", "scored.jsonl", "reward");
}

bool near(const std::optional<double>& value, double expected) { return value && std::abs(*value - expected) <= 1e-12; }

const std::vector<Row> kFirst = {{1, true, {"-1", "-2"}}, {2, true, {"-3", "-2"}},        {3, true, {"-2", "-2"}},
                                 {4, true, {"-1", ""}},   {5, false, {"-1", "-2", "-3"}}, {6, false, {"-1"}},
                                 {7, true, {"-1", "-9"}}};
const std::vector<Row> kSecond = {{1, true, {"-5", "-4"}}, {2, true, {"-5", "-4"}},        {3, true, {"-5", "-4"}},
                                  {4, true, {"-5", "-4"}}, {5, false, {"-2", "-1", "-3"}}, {7, true, {"-7", "-8"}}};

}  // namespace

TEST_CASE("a result is summed up over the pairs that have both rewards, and a tie is not right") {
  const std::vector<ScoreTable> tables = {table_of(kFirst), table_of(kSecond)};
  const ScoreComparison comparison = compare_scores(tables);
  REQUIRE(comparison.files.size() == 2);
  const ScoreSummary& first = comparison.files[0];
  CHECK(first.records == 7);
  CHECK(first.unscored == 1);
  CHECK(first.pairs == 4);
  CHECK(first.right == 2);
  CHECK(first.ties == 1);
  CHECK(near(first.accuracy, 0.5));
  REQUIRE(first.interval);
  // statsmodels: proportion_confint(2, 4, method="wilson")
  CHECK(near(first.interval->low, 0.15003898915214955));
  CHECK(near(first.interval->high, 0.8499610108478504));
  CHECK(near(first.mean_margin, (1.0 - 1 + 0 + 2 + 8) / 5));  // of records with two rewards, labelled or not
  CHECK(comparison.files[1].right == 1);
  CHECK(comparison.files[1].pairs == 5);
}

TEST_CASE("two results agree on the records that have every reward in both") {
  const std::vector<ScoreTable> tables = {table_of(kFirst), table_of(kSecond)};
  const ScoreComparison comparison = compare_scores(tables);
  REQUIRE(comparison.agreements.size() == 1);
  const ScoreAgreement& agreement = comparison.agreements[0];
  CHECK(agreement.records == 5);  // 1, 2, 3, 5, 7
  CHECK(agreement.pairs == 4);
  CHECK(near(agreement.same_best, 2.0 / 5));                     // 2 and 7; a tie is another verdict
  CHECK(near(agreement.kendall, (-1.0 + 1 + 1.0 / 3 + 1) / 4));  // 3 has no order
  CHECK(agreement.right_first_only == 1);
  CHECK(agreement.right_second_only == 0);
  CHECK(near(agreement.p_value, 1.0));
}

TEST_CASE("p-values of several results are corrected together") {
  std::vector<Row> right;
  std::vector<Row> wrong;
  std::vector<Row> half;
  for (std::size_t line = 1; line <= 8; ++line) {
    right.push_back({line, true, {"1", "0"}});
    wrong.push_back({line, true, {"0", "1"}});
    half.push_back({line, true, {line % 2 == 0 ? "1" : "0", "0.5"}});
  }
  const std::vector<ScoreTable> tables = {table_of(right), table_of(wrong), table_of(half)};
  const std::vector<ScoreAgreement> agreements = compare_scores(tables).agreements;
  REQUIRE(agreements.size() == 3);
  // 8 and 0, 4 and 0, 0 and 4 verdicts differ: p = 2 / 2^8, 2 / 2^4, 2 / 2^4.
  CHECK(near(agreements[0].p_value, 0.0078125));
  CHECK(near(agreements[1].p_value, 0.125));
  CHECK(near(agreements[0].holm_p_value, 0.0234375));
  CHECK(near(agreements[1].holm_p_value, 0.25));
  CHECK(near(agreements[2].holm_p_value, 0.25));
}

TEST_CASE("results of other data, or read in another way, are not compared") {
  const std::vector<ScoreTable> other_records = {table_of(kFirst), table_of(kSecond, "1")};
  CHECK_THROWS_WITH_AS(compare_scores(other_records), doctest::Contains("line 1 of the data is another record"),
                       InvalidInput);
  const std::vector<ScoreTable> other_sizes = {table_of({{5, false, {"-1", "-2"}}}), table_of(kSecond)};
  CHECK_THROWS_WITH_AS(compare_scores(other_sizes), doctest::Contains("line 5"), InvalidInput);
}

}  // namespace endorm
