#include "score/record_filter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/random.h"
#include "score/record_edit.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// A row of `endorm score`; NaN: the response has an error.
std::string row_of(std::size_t line, bool is_pair, const std::vector<double>& rewards) {
  Json row{{"id", std::to_string(line)}, {"line", line}, {"key", "00000000000000" + std::to_string(10 + line)}};
  if (is_pair) {
    row["chosen"] = 0;
  }
  row["responses"] = Json::array();
  for (const double reward : rewards) {
    row["responses"].push_back(std::isnan(reward) ? Json{{"error", "too long"}}
                                                  : Json{{"reward", reward},
                                                         {"mean", reward / 2},
                                                         {"steps", Json::array({{{"reward", 100.0}}})},
                                                         {"token_rewards", {{"reward", {7.0, 8.0}}}}});
  }
  return row.dump() + "\n";
}

ScoreTable table_of(const std::string& rows, const std::string& field = "reward") {
  std::istringstream lines("{\"manifest\":{\"reward\":3}}\n" + rows);
  return ScoreTable::read(lines, "filter", "scored.jsonl", field);
}

// "+-~": kept, dropped and unknown records.
std::string verdicts(const ScoreTable& table, const FilterRules& rules) {
  const RecordFilter filter(rules, table);
  std::string text;
  for (std::size_t row = 0; row < table.size(); ++row) {
    const FilterVerdict verdict = filter.verdict(table[row]);
    text += verdict == FilterVerdict::kKeep ? '+' : verdict == FilterVerdict::kDrop ? '-' : '~';
  }
  return text;
}

const std::string kResults = row_of(1, true, {-1, -2}) + row_of(2, true, {-3, -2.5}) + row_of(3, false, {-4, -1, -9}) +
                             row_of(4, true, {-2, kNone}) + row_of(5, false, {-5}) + row_of(6, true, {-2, -2});

TEST_CASE("a table has the numbers of responses and nothing that lies deeper") {
  const ScoreTable table = table_of(kResults);
  REQUIRE(table.size() == 6);
  CHECK(std::vector<double>(table[2].scores.begin(), table[2].scores.end()) == std::vector<double>{-4, -1, -9});
  CHECK(table[0].is_pair);
  CHECK(!table[2].is_pair);
  CHECK(table[0].key == 0x11);
  CHECK(table[4].line == 5);
  REQUIRE(table[3].scores.size() == 2);
  CHECK(std::isnan(table[3].scores[1]));
  CHECK(table_of(kResults, "mean")[2].scores[2] == -4.5);
}

TEST_CASE("a ranking is a table, too, in the order of the responses") {
  const ScoreTable table = table_of(
      R"({"id":"a","line":1,"key":"00000000000000ab","columns":{"ranking":[{"index":0,"reward":1}]},"ranking":[)"
      R"({"index":2,"reward":-1,"text":"x"},{"index":0,"reward":-3}],"errors":[{"index":1,"error":"e"}]})"
      "\n"
      R"({"line":2,"key":"00000000000000ac","error":{"kind":"invalid_input","message":"m"}})"
      "\n");
  REQUIRE(table.size() == 2);
  REQUIRE(table[0].scores.size() == 3);
  CHECK(table[0].scores[0] == -3);
  CHECK(std::isnan(table[0].scores[1]));
  CHECK(table[0].scores[2] == -1);
  CHECK(table[1].scores.empty());
  CHECK(verdicts(table, {.min_reward = -2}) == "+~");
}

TEST_CASE("rules keep, drop, or do not know") {
  const ScoreTable table = table_of(kResults);
  CHECK(verdicts(table, {}) == "++++++");
  CHECK(verdicts(table, {.min_reward = -2}) == "+-++-+");
  CHECK(verdicts(table, {.max_reward = -2}) == "-+-+++");
  CHECK(verdicts(table, {.min_margin = 0.5}) == "+-+~~-");
  CHECK(verdicts(table, {.max_margin = -0.5}) == "-+-~~-");
  CHECK(verdicts(table, {.agrees = true}) == "+-~~~-");
  CHECK(verdicts(table, {.disagrees = true}) == "-+~~~-");
  CHECK(verdicts(table, {.min_reward = -2, .agrees = true}) == "+-~~~-");
}

TEST_CASE("quantiles are numpy's") {
  // numpy.quantile([-1, -3, -1, -2, -5, -2], [0.5, 0.9]) == [-2.0, -1.0]; 0.15: -3.5
  const ScoreTable table = table_of(kResults);
  CHECK(verdicts(table, {.from_quantile = 0.5}) == "+-++-+");
  CHECK(verdicts(table, {.to_quantile = 0.15}) == "----+-");
  CHECK(verdicts(table, {.from_quantile = 0.15}) == "++++-+");
  CHECK(verdicts(table, {.from_quantile = 0.0, .to_quantile = 1.0}) == "++++++");
}

TEST_CASE("what is no result, and a field that no response has, are told") {
  CHECK(contains(message_of<InvalidInput>([] { table_of("{\"id\": 1}\n"); }), "line 2 of scored.jsonl is no row"));
  CHECK(contains(message_of<InvalidInput>([] { table_of(row_of(1, true, {1, 2}).substr(0, 40)); }), "is no row"));
  CHECK(contains(message_of<InvalidInput>([] { table_of(kResults, "rewards"); }),
                 "no response of scored.jsonl has a number \"rewards\". They have reward, mean. Is reward meant?"));
  CHECK(contains(message_of<InvalidInput>([] {
                   table_of("{\"line\":1,\"key\":\"00000000000000ab\",\"ranking\":[{\"index\":1e18,\"reward\":1}]}\n");
                 }),
                 "is no row"));
}

TEST_CASE("the best responses stay in their order, and a record's text loses nothing else") {
  constexpr std::uint64_t kSeed = 20261201;
  INFO("seed " << kSeed);
  RandomStream random(kSeed);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t count = 1 + random.below(6);
    Json record{{"prompt", "p\u00e9"}, {"source", {{"n", trial}, {"x", 0.1 * trial}}}};
    std::vector<double> rewards;
    for (std::size_t i = 0; i < count; ++i) {
      record["responses"].push_back("r" + std::to_string(i));
      record["truncated"].push_back(i % 2 == 0);
      rewards.push_back(static_cast<double>(random.below(4)));
    }
    const std::string text = record.dump();
    const std::size_t top = 1 + random.below(6);
    const std::vector<std::size_t> kept = best_responses({0, 0, false, rewards}, top);
    REQUIRE(kept.size() == std::min(top, count));
    CutNotes notes;
    const Json smaller = Json::parse(with_responses(text, kept, notes));
    CHECK(smaller["source"] == record["source"]);
    double worst_kept = 10;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      CHECK(smaller["responses"][i] == record["responses"][kept[i]]);
      CHECK(smaller["truncated"][i] == record["truncated"][kept[i]]);
      CHECK((i == 0 || kept[i - 1] < kept[i]));
      worst_kept = std::min(worst_kept, rewards[kept[i]]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      CHECK((std::find(kept.begin(), kept.end(), i) != kept.end() || rewards[i] <= worst_kept));
    }
    const std::string more = with_fields(text, {{"rewards", rewards}});
    CHECK(more.starts_with(text.substr(0, text.size() - 1)));
    CHECK(Json::parse(more)["rewards"] == Json(rewards));
  }
}

TEST_CASE("what a record with fewer responses does not keep is noted") {
  const std::vector<std::size_t> second = {1};
  CutNotes notes;
  with_responses(R"({"prompt":"P","responses":["a","b"],"truncated":[false,true],"n":18446744073709551615,"x":1e30})",
                 second, notes);
  CHECK(notes.lists_left.empty());
  CHECK(notes.with_large_numbers == 0);
  with_responses(R"({"prompt":"P","responses":["a","b"],"models":["m","n"],"tags":[1],"n":18446744073709551616})",
                 second, notes);
  CHECK(notes.lists_left == std::set<std::string>{"models"});
  CHECK(notes.with_large_numbers == 1);
}

TEST_CASE("responses by another name are kept there, and what is no list is refused") {
  const std::vector<std::size_t> second = {1};
  CutNotes notes;
  CHECK(with_responses(R"({"instruction":"P","completions":[{"response":"a","s":1},{"response":"b","s":2}]})", second,
                       notes) == R"({"instruction":"P","completions":[{"response":"b","s":2}]})");
  CHECK(contains(
      message_of<InvalidInput>([&] { with_responses(R"({"prompt":"p","chosen":"a","rejected":"b"})", second, notes); }),
      "do not stand in a list"));
  CHECK(
      contains(message_of<InvalidInput>([&] { with_responses(R"({"prompt":"p","responses":["a"]})", second, notes); }),
               "do not stand in a list"));
  CHECK(contains(message_of<InvalidInput>([] {
                   with_fields(R"({"margin":1})", {{"margin", 2}});
                 }),
                 "it has a field \"margin\" already"));
  CHECK(with_fields("{ }", {{"a", 1}}) == "{ \"a\":1}");
}

}  // namespace
}  // namespace endorm
