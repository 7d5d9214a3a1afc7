#include "report/result_file.h"

#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include "core/errors.h"
#include "tests/report/result_lines.h"

namespace endorm {
namespace {

using nlohmann::json;

std::vector<ResultRow> rows_of(const std::string& text) {
  std::istringstream file(text);
  std::vector<ResultRow> rows;
  read_results(file, [&](const ResultRow& row) { rows.push_back(row); });
  return rows;
}

// What the reader says of a text that it refuses.
std::string refusal(const std::string& text) {
  try {
    rows_of(text);
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "";
}

bool refused_at(const std::string& text, std::size_t line) {
  return refusal(text).find("line " + std::to_string(line) + " is no row") != std::string::npos;
}

TEST_CASE("rows carry rewards, texts, roles and errors") {
  json row = row_of(3, {response_of(-2.0, 4, "Hi"), {{"error", "too long"}}});
  row["chosen"] = 1;
  const std::vector<ResultRow> rows = rows_of(row.dump() + "\n\n" + failed_row(4, "not JSON").dump());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == "r3");
  CHECK(rows[0].line == 3);
  CHECK(rows[0].chosen == 1);
  CHECK(json(*rows[0].json) == row);
  REQUIRE(rows[0].responses.size() == 2);
  CHECK(rows[0].responses[0].reward == -2.0);
  CHECK(rows[0].responses[0].mean_log_prob == -2.0);
  CHECK(rows[0].responses[0].text == "Hi<end>");
  CHECK_FALSE(rows[0].responses[1].reward);
  CHECK(rows[0].responses[1].error == "too long");
  CHECK(rows[1].id == "line 4");
  CHECK(rows[1].error == "not JSON");
}

TEST_CASE("manifests are returned, wherever they stand") {
  const auto ignore = [](const ResultRow&) {};
  std::istringstream none = file_of({row_of(1, {response_of(-1.0)})});
  CHECK(read_results(none, ignore).empty());
  std::istringstream alone = file_of({manifest_line("m")});
  const std::vector<json> manifests = read_results(alone, ignore);
  REQUIRE(manifests.size() == 1);
  CHECK(manifests[0]["model"]["name"] == "m");
}

TEST_CASE("a line that is no row is named") {
  const std::string good = manifest_line().dump() + "\n" + row_of(1, {response_of(-1.0)}).dump() + "\n";
  for (const char* bad : {"not json", "[1, 2]", "5", "null", "\"text\"", "{}", R"({"manifest": 3})",
                          R"({"id": "a", "prompt": "an input record", "response": "x"})"}) {
    INFO(bad);
    CHECK(refused_at(good + bad + "\n" + good, 3));
  }
  CHECK(refused_at(good + "{\"id\": \"\xFF\"}\n" + good, 3));
}

TEST_CASE("wrong types are refused, not converted") {
  const json good = pair_of(1, -1.0, -2.0);
  CHECK(refusal(good.dump()).empty());
  const auto with = [&](const char* pointer, const json& value) {
    json row = good;
    row[json::json_pointer(pointer)] = value;
    return row.dump() + "\n";
  };
  for (const auto& [pointer, value] :
       std::vector<std::pair<const char*, json>>{{"/id", 5},
                                                 {"/line", "1"},
                                                 {"/line", -1},
                                                 {"/line", 1.5},
                                                 {"/chosen", "0"},
                                                 {"/chosen", 2},
                                                 {"/chosen", -1},
                                                 {"/responses", "none"},
                                                 {"/responses", {{"a", 1}}},
                                                 {"/responses/0", 3},
                                                 {"/responses/0/reward", nullptr},
                                                 {"/responses/0/reward", "high"},
                                                 {"/responses/0/log_prob", json::array()},
                                                 {"/responses/0/tokens", 0},
                                                 {"/responses/0/tokens", -2},
                                                 {"/responses/0/tokens", 2.5},
                                                 {"/responses/1/error", 1},
                                                 {"/error", "text"}}) {
    INFO(pointer, " ", value.dump());
    CHECK(refused_at(with(pointer, value), 1));
  }
}

TEST_CASE("a last line that ends in the middle is told from one that is wrong") {
  const std::string row = row_of(1, {response_of(-1.0)}).dump();
  const std::string half = refusal(row + "\n" + row.substr(0, row.size() / 2));
  CHECK(half.find("line 2") != std::string::npos);
  CHECK(half.find("ends in the middle") != std::string::npos);
  CHECK(refusal(row + "\n" + row.substr(0, row.size() / 2) + "\n" + row).find("ends in the middle") ==
        std::string::npos);
  CHECK(rows_of(row + "\n" + row).size() == 2);  // whole, though no line break ends it
}

TEST_CASE("a file without any line is refused") {
  CHECK(refusal("").find("holds no line") != std::string::npos);
  CHECK(refusal("\n  \r\n\n").find("holds no line") != std::string::npos);
}

PairCount counted(const std::vector<json>& lines) {
  std::istringstream file = file_of(lines);
  PairCount count;
  read_results(file, [&](const ResultRow& row) { count_pair(row, count); });
  return count;
}

TEST_CASE("pairs are counted strictly, and only where both responses are scored") {
  json second = pair_of(5, -3.0, -1.0);  // the chosen one stands second and wins
  second["chosen"] = 1;
  json failed = pair_of(6, -1.0, -2.0);
  failed["responses"][1] = {{"error", "too long"}};
  json three = row_of(7, {response_of(-1.0), response_of(-2.0), response_of(-3.0)});
  three["chosen"] = 0;
  const PairCount count =
      counted({pair_of(1, -1.0, -2.0), pair_of(2, -2.0, -1.0), pair_of(3, -1.0, -1.0),
               row_of(4, {response_of(-1.0), response_of(-2.0)}), second, failed, three, failed_row(8, "bad")});
  CHECK(count.won == 2);
  CHECK(count.lost == 1);
  CHECK(count.tied == 1);
  CHECK(count.total() == 4);
  CHECK(count.accuracy() == 0.5);
}

TEST_CASE("the interval is Wilson's") {
  // scipy 1.17.1: from scipy.stats import binomtest; binomtest(won, n).proportion_ci(method="wilson")
  struct Case {
    std::size_t won, n;
    double low, high;
  };
  for (const auto& [won, n, low, high] :
       {Case{203, 300, 0.621791546251074, 0.7270746039162529}, Case{1, 9, 0.01989088763854492, 0.4349997055766559},
        Case{7, 10, 0.3967781474611453, 0.892208732593699}, Case{0, 5, 0.0, 0.43448246478317465},
        Case{5, 5, 0.5655175352168252, 1.0}}) {
    INFO(won, " of ", n);
    const auto [found_low, found_high] = PairCount{.won = won, .lost = n - won, .tied = 0}.interval();
    CHECK(std::abs(found_low - low) <= 1e-12);
    CHECK(std::abs(found_high - high) <= 1e-12);
  }
  const PairCount with_ties{.won = 1, .lost = 7, .tied = 1};
  CHECK(with_ties.interval() == PairCount{.won = 1, .lost = 8, .tied = 0}.interval());
  CHECK(PairCount{.won = 0, .lost = 5, .tied = 0}.interval().first == 0.0);
  CHECK(PairCount{.won = 5, .lost = 0, .tied = 0}.interval().second == 1.0);
}

}  // namespace
}  // namespace endorm
