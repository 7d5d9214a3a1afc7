#include "report/records_page.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/report/page_data.h"
#include "tests/report/result_lines.h"

namespace endorm {
namespace {

using nlohmann::json;

std::string page_of(const std::vector<json>& lines, const RecordsPageOptions& options = {}) {
  std::istringstream file = file_of(lines);
  return render_records_page(file, options);
}

TEST_CASE("texts, ids, errors and the model's name stay data") {
  json row = row_of(1, {response_of(-1.0, 2, kHostile), {{"error", kHostile}}});
  row["id"] = kHostile;
  row["messages"] = {{{"role", "user"}, {"content", kHostile}}};
  const std::vector<json> lines{manifest_line(kHostile), row, failed_row(2, kHostile)};
  const std::string page = page_of(lines);
  const std::string plain = page_of({manifest_line(), row_of(1, {response_of(-1.0)})});

  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  const json data = data_of(page);
  CHECK(data["rows"][0]["id"] == kHostile);
  CHECK(data["rows"][0]["messages"][0]["content"] == kHostile);
  CHECK(data["rows"][0]["responses"][0]["token_rewards"]["text"][0] == kHostile);
  CHECK(data["manifests"][0]["model"]["name"] == kHostile);
  CHECK(data["failures"][0]["error"] == kHostile);
  CHECK(data["failures"][1]["error"] == kHostile);
}

TEST_CASE("the title is escaped, and no part of it is filled in") {
  RecordsPageOptions options;
  options.title = "A & <b>\"B\"</b> </title><script>{{data}}";
  const std::string page = page_of({manifest_line(), row_of(1, {response_of(-1.0)})}, options);
  const std::string escaped = "A &amp; &lt;b&gt;&quot;B&quot;&lt;/b&gt; &lt;/title&gt;&lt;script&gt;{{data}}";
  CHECK(page.find("<title>" + escaped + "</title>") != std::string::npos);
  CHECK(page.find("<h1>" + escaped + "</h1>") != std::string::npos);
  CHECK(occurrences(page, kDataOpens) == 1);
}

TEST_CASE("a page loads nothing from elsewhere") {
  const std::string page = page_of({manifest_line(), row_of(1, {response_of(-1.0, 2, "Hi")})});
  for (const std::string_view loader : kLoaders) {
    INFO(loader);
    CHECK(occurrences(page, loader) == 0);
  }
}

TEST_CASE("max_records limits what is shown, not what is counted") {
  std::vector<json> lines{manifest_line()};
  for (std::size_t line = 1; line <= 7; ++line) {
    lines.push_back(pair_of(line, line <= 5 ? -1.0 : -3.0, -2.0));
  }
  lines.push_back(failed_row(8, "first"));
  lines.push_back(failed_row(9, "second"));
  lines.push_back(failed_row(10, "third"));
  lines.push_back(failed_row(11, "fourth"));
  RecordsPageOptions options;
  options.max_records = 3;
  const json data = data_of(page_of(lines, options));
  CHECK(data["rows"].size() == 3);
  CHECK(data["rows"][2]["id"] == "r3");
  CHECK(data["summary"] == json{{"records", 11}, {"responses", 14}, {"failures", 4}, {"shown", 3}});
  CHECK(data["failures"].size() == 3);
  CHECK(data["pairs"]["won"] == 5);
  CHECK(data["pairs"]["lost"] == 2);
  CHECK(data["distributions"]["rewards"].size() == 14);
  CHECK(data["distributions"]["margins"] == json{1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0});
}

TEST_CASE("distributions tell chosen, rejected and others apart, and leave failures out") {
  json swapped = pair_of(1, -4.0, -2.5);
  swapped["chosen"] = 1;
  const json data = data_of(page_of({swapped, row_of(2, {response_of(-1.0, 9), {{"error", "too long"}}})}));
  CHECK(data["distributions"]["rewards"] == json{-4.0, -2.5, -1.0});
  CHECK(data["distributions"]["roles"] == json{0, 1, -1});
  CHECK(data["distributions"]["lengths"] == json{2, 2, 9});
  CHECK(data["distributions"]["margins"] == json{1.5});
  CHECK(data["failures"] == json{{{"id", "r2"}, {"line", 2}, {"response", 1}, {"error", "too long"}}});
}

TEST_CASE("a file without tokens, manifest or pairs still makes a page") {
  const json data = data_of(page_of({row_of(1, {response_of(-1.0)})}));
  CHECK(data["manifests"].empty());
  CHECK_FALSE(data.contains("pairs"));
  CHECK_FALSE(data["rows"][0]["responses"][0].contains("token_rewards"));
}

TEST_CASE("joined files keep all their manifests") {
  const json data = data_of(page_of({manifest_line("one"), pair_of(1, -1.0, -2.0), manifest_line("two")}));
  REQUIRE(data["manifests"].size() == 2);
  CHECK(data["manifests"][0]["model"]["name"] == "one");
  CHECK(data["manifests"][1]["model"]["name"] == "two");
}

}  // namespace
}  // namespace endorm
