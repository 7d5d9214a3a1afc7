#include "report/bench_page.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "tests/report/bench_json.h"
#include "tests/report/page_data.h"

namespace endorm {
namespace {

using nlohmann::json;

std::string page_of(const json& bench) { return render_bench_page(bench.dump()); }

// Every text among the values becomes `text`.
void replace_texts(json& value, const std::string& text) {
  if (value.is_string()) {
    value = text;
  } else if (value.is_structured()) {
    for (json& inner : value) {
      replace_texts(inner, text);
    }
  }
}

TEST_CASE("every text of a benchmark's JSON stays data") {
  json bench = bench_of();
  bench["manifest"][kHostile] = kHostile;
  const std::string plain = page_of(bench_of());
  replace_texts(bench, kHostile);
  const std::string page = page_of(bench);

  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>", "<title", "<h1"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  const json data = data_of(page);
  CHECK(data["manifest"] == bench["manifest"]);
  CHECK(data["judges"][0]["name"] == kHostile);
  CHECK(data["shown"][0]["messages"] == bench["shown"][0]["messages"]);
  CHECK(data["shown"][0]["better"] == bench["shown"][0]["better"]);
}

TEST_CASE("the title is escaped, and names the benchmark where none is given") {
  json bench = bench_of();
  CHECK(page_of(bench).find("<title>EndoRM on rm-bench</title>") != std::string::npos);
  bench["benchmark"] = "<b>&";
  CHECK(page_of(bench).find("<h1>EndoRM on &lt;b&gt;&amp;</h1>") != std::string::npos);
  const std::string titled = render_bench_page(bench.dump(), {.title = "{{data}}</title>"});
  CHECK(titled.find("<title>{{data}}&lt;/title&gt;</title>") != std::string::npos);
  CHECK(occurrences(titled, kDataOpens) == 1);
}

TEST_CASE("a benchmark's page loads nothing from elsewhere") {
  const std::string page = page_of(bench_of());
  for (const std::string_view loader : kLoaders) {
    INFO(loader);
    CHECK(occurrences(page, loader) == 0);
  }
}

TEST_CASE("everything but the rows is in the page") {
  json bench = bench_of();
  json data = data_of(page_of(bench));
  for (json& judge : bench["judges"]) {
    judge.erase("rows");
  }
  for (json& pair : data["shown"]) {
    pair.erase("verdicts");
  }
  CHECK(data == bench);
}

TEST_CASE("a shown pair has the verdict of every judge, found by the first judge's margin in its cell") {
  json bench = bench_of();
  bench["judges"][1]["rows"][1]["comparisons"][1] = {
      {"better", 1}, {"worse", 0}, {"cell", "1,0"}, {"error", "no verdict"}, {"replies", {"Neither."}}};
  const json shown = data_of(page_of(bench))["shown"];
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

TEST_CASE("a judge that lacks a shown example, or a file without rows, has no verdict there") {
  json bench = bench_of();
  bench["judges"][1]["rows"].erase(0);
  const json lacking = data_of(page_of(bench))["shown"];
  CHECK(lacking[0]["verdicts"][1]["margin"] == -7.0);
  CHECK(lacking[1]["verdicts"] == json{lacking[1]["verdicts"][0], nullptr});
  for (json& judge : bench["judges"]) {
    judge.erase("rows");
  }
  CHECK(data_of(page_of(bench))["shown"][0]["verdicts"].empty());
}

TEST_CASE("a file without judges, comparisons, sweep or pairs still makes a page") {
  json bench = bench_of();
  bench.erase("sweep");
  for (const char* list : {"judges", "comparisons", "shown", "faults"}) {
    bench[list] = json::array();
  }
  CHECK(data_of(page_of(bench)) == bench);
}

TEST_CASE("what is not the JSON of bench is refused") {
  const std::string whole = bench_of().dump();
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("{}"), whole.substr(0, whole.size() / 2),
        whole + whole, std::string("{\"endorm_bench\": 2}"), std::string("{\"endorm_bench\": 1, \"endorm_bench\": 1}"),
        std::string("\xFF"), std::string("{\"endorm_bench\": 1e999}")}) {
    INFO(text.substr(0, 60));
    CHECK_THROWS_AS(render_bench_page(text), InvalidInput);
  }
}

bool ends_with_one_of(std::string_view place, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) { return place.ends_with(name); });
}

// Fields that a page does not read.
bool is_not_read(std::string_view place) {
  const bool in_row = place.starts_with("/judges/") && place.find("/rows/") != std::string_view::npos;
  return place.starts_with("/manifest/") || (in_row && ends_with_one_of(place, {"/key", "/characters", "/group"}));
}

// Fields that need not be there.
bool is_optional(std::string_view place) {
  return is_not_read(place) || (!place.starts_with("/shown/") && ends_with_one_of(place, {"/cell", "/gamma"}));
}

TEST_CASE("a field that is missing or of another type is refused, whichever it is") {
  const json bench = bench_of();
  std::size_t missing = 0;
  const json leaves = bench.flatten();
  for (const auto& item : leaves.items()) {
    const std::string& name = item.key();
    const json& leaf = item.value();
    INFO(name);
    const json::json_pointer place(name);
    if (bench.at(place.parent_pointer()).is_object() && !is_optional(name)) {
      json changed = bench;
      changed.at(place.parent_pointer()).erase(place.back());
      CHECK_THROWS_AS(page_of(changed), InvalidInput);
      ++missing;
    }
    if (!is_not_read(name)) {
      json changed = bench;
      changed.at(place) = leaf.is_boolean() ? json(7) : json(true);
      CHECK_THROWS_AS(page_of(changed), InvalidInput);
    }
  }
  CHECK(missing > 100);
}

TEST_CASE("a refusal names the place") {
  json bench = bench_of();
  bench["judges"][1]["figures"][0]["n"] = -1;
  try {
    page_of(bench);
    FAIL("not refused");
  } catch (const InvalidInput& error) {
    const std::string message = error.what();
    INFO(message);
    CHECK(message.find("judges[1].figures[0].n is -1, not a count") != std::string::npos);
    CHECK(message.find("endorm bench --json") != std::string::npos);
  }
}

TEST_CASE("tables, tokens and places that do not fit are refused") {
  const auto refused = [](const std::string& place, const json& value) {
    json bench = bench_of();
    bench.at(json::json_pointer(place)) = value;
    INFO(place);
    CHECK_THROWS_AS(page_of(bench), InvalidInput);
  };
  refused("/judges/0/matrices/0/rows", {"one"});
  refused("/shown/0/better/log_prob", {-1.0});
  refused("/sweep/chosen", 2);
  refused("/judges/0/rows/0/comparisons/0/better", 2);
  refused("/judges/0/figures/0/interval", {0.5});
  refused("/judges/0/reward_length/0", {1, 2, 3});
}

}  // namespace
}  // namespace endorm
