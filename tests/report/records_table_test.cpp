#include "report/records_table.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "report/terminal_text.h"
#include "tests/report/result_lines.h"

namespace endorm {
namespace {

using nlohmann::json;

std::vector<std::string> table_of(const std::vector<json>& lines, std::size_t width = 100, std::size_t records = 200) {
  std::istringstream file = file_of(lines);
  std::istringstream table(render_records_table(file, width, records));
  std::vector<std::string> rows;
  for (std::string row; std::getline(table, row);) {
    rows.push_back(row);
  }
  return rows;
}

bool holds(const std::vector<std::string>& table, const std::string& what) {
  return std::any_of(table.begin(), table.end(),
                     [&](const std::string& row) { return row.find(what) != std::string::npos; });
}

TEST_CASE("a table, line by line") {
  json pair = row_of(1, {response_of(-1.25, 2, "Yes"), response_of(-20.0, 3, "No")});
  pair["chosen"] = 0;
  const std::vector<std::string> expected{
      "    response    reward  nats/tok  tokens  text",
      "",
      "r1",
      "  *   chosen     -1.25     -1.25       2  Yes<end>",
      "    rejected    -20.00    -20.00       3  No<end>",
      "",
      "line 2",
      "    could not be scored: not JSON",
      "",
      "r3",
      "           1     -0.50     -0.50       2",
      "           2  could not be scored: too long",
      "",
      "3 records; 1 record and 1 response could not be scored; * is the highest reward of a record",
      "the chosen response has the higher reward in 1 of 1 pairs: 100.0 % (95 % interval 20.7 to 100.0)"};
  CHECK(table_of({manifest_line(), pair, failed_row(2, "not JSON"),
                  row_of(3, {response_of(-0.5), {{"error", "too long"}}})}) == expected);
}

TEST_CASE("a judge that reads no tokens has none in the table") {
  CHECK(holds(table_of({row_of(1, {{{"reward", 0.5}, {"finish", "end_of_turn"}, {"replies", {"7"}}}})}),
              "           1      0.50         -       -"));
}

TEST_CASE("a tie marks both and counts as not won") {
  const std::vector<std::string> table = table_of({pair_of(1, -1.0, -1.0)});
  CHECK(holds(table, "  *   chosen"));
  CHECK(holds(table, "  * rejected"));
  CHECK(holds(table, "in 0 of 1 pairs: 0.0 %"));
  CHECK(holds(table, "1 tied (not won)"));
}

TEST_CASE("max_records limits the listing, not the counts") {
  const std::vector<std::string> table =
      table_of({pair_of(1, -1.0, -2.0), pair_of(2, -1.0, -2.0), pair_of(3, -1.0, -2.0)}, 100, 2);
  CHECK(holds(table, "r2"));
  CHECK_FALSE(holds(table, "r3"));
  CHECK(holds(table, "the first 2 of 3 records are listed"));
  CHECK(holds(table, "in 3 of 3 pairs"));
}

TEST_CASE("lines keep to the width, whatever the script of the text") {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += "snow \xE9\x9B\xAA \xF0\x9F\x8C\xA8 e\xCC\x81 ";  // wide, emoji, combining
  }
  json row = row_of(1, {response_of(-1.0, 2, text)});
  row["id"] = text;
  for (const std::size_t width : {30, 61, 62, 80, 81, 120, 200}) {
    INFO("width ", width);
    const std::vector<std::string> table = table_of({row}, width);
    std::size_t cut = 0;
    for (std::size_t i = 1; i + 2 < table.size(); ++i) {  // the record: id, numbers, text
      if (table[i].find("snow") == std::string::npos) {
        continue;
      }
      CHECK(terminal_columns(table[i]) <= width);
      CHECK(terminal_columns(table[i]) + 2 >= width);
      CHECK(table[i].substr(table[i].size() - 3) == "...");
      ++cut;
    }
    CHECK(cut == 2);
  }
}

TEST_CASE("nothing in a file steers the terminal") {
  const std::string hostile =
      "a\x1b[2J\x1b]0;title\x07 b\rc\x7f\xC2\x9B"
      "31m \xE2\x80\xAE"
      "d";
  json row = row_of(1, {response_of(-1.0, 2, hostile), {{"error", hostile}}});
  row["id"] = hostile;
  const std::vector<std::string> table = table_of({row, failed_row(2, hostile)});
  for (const std::string& line : table) {
    INFO(terminal_line(line));
    CHECK(std::none_of(line.begin(), line.end(),
                       [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F; }));
    CHECK(line.find("\xC2\x9B") == std::string::npos);
    CHECK(line.find("\xE2\x80\xAE") == std::string::npos);
  }
  CHECK(holds(table, "could not be scored: a\\u{1b}[2J\\u{1b}]0;title\\u{7} b c\\u{7f}\\u{9b}31m \\u{202e}d"));
}

}  // namespace
}  // namespace endorm
