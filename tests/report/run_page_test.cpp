#include "report/run_page.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "report/run_table.h"
#include "tests/report/page_data.h"

namespace endorm {
namespace {

using nlohmann::json;

std::shared_ptr<const nlohmann::ordered_json> held(nlohmann::ordered_json value) {
  return std::make_shared<const nlohmann::ordered_json>(std::move(value));
}

RunSample sample_of(std::size_t step, const std::string& prompt, const std::string& response) {
  return {step, held({{"prompt", prompt}, {"response", response}, {"reward", 0.5}})};
}

// A run of so many steps: loss falls from 1, and one held-out loss stands at the last step.
RunFile run_of(std::size_t steps) {
  RunFile run{.manifest = held({{"kind", "rl"}, {"steps", 5000}, {"model", "m"}}), .kind = "rl", .planned_steps = 5000};
  run.steps = run.last_step = steps;
  run.metrics.push_back({"loss", {}});
  for (std::size_t step = 1; step <= steps; ++step) {
    run.metrics[0].points.push_back({step, 1.0 / static_cast<double>(step)});
  }
  run.metrics.push_back({"held_out_loss", {{steps, 0.25}}});
  return run;
}

TEST_CASE("the page of a run has every point, the standing and the faults") {
  RunFile run = run_of(3);
  run.faults.push_back({7, "no step"});
  const json data = data_of(render_run_page(run));
  CHECK(data["manifest"]["model"] == "m");
  CHECK(data["kind"] == "rl");
  CHECK(data["last_step"] == 3);
  CHECK(data["planned_steps"] == 5000);
  CHECK(data["finished"] == false);
  CHECK(data["refresh_seconds"] == 0);
  REQUIRE(data["metrics"].size() == 2);
  CHECK(data["metrics"][0] == json{{"name", "loss"},
                                   {"count", 3},
                                   {"each", 1},
                                   {"first", {1, 1.0}},
                                   {"last", {3, 1.0 / 3.0}},
                                   {"least", {3, 1.0 / 3.0}},
                                   {"greatest", {1, 1.0}},
                                   {"steps", {1, 2, 3}},
                                   {"values", {1.0, 0.5, 1.0 / 3.0}}});
  CHECK(data["faults"] == json{{{"line", 7}, {"reason", "no step"}}});
}

TEST_CASE("a long run has means in the place of points, and its first and last values as they are") {
  const json data = data_of(render_run_page(run_of(2001)));
  const json& loss = data["metrics"][0];
  CHECK(loss["each"] == 3);
  CHECK(loss["count"] == 2001);
  REQUIRE(loss["values"].size() == 667);
  CHECK(loss["steps"][0] == 2.0);
  CHECK(std::abs(loss["values"][0].get<double>() - (1.0 + 1.0 / 2.0 + 1.0 / 3.0) / 3.0) <= 1e-15);
  CHECK(std::abs(loss["steps"][666].get<double>() - 2000.0) <= 1e-9);
  CHECK(loss["first"] == json{1, 1.0});
  CHECK(loss["last"] == json{2001, 1.0 / 2001.0});
}

TEST_CASE("of many samples evenly spaced ones are shown, the first and the last among them") {
  RunFile run = run_of(3);
  for (std::size_t step = 1; step <= 101; ++step) {
    run.samples.push_back(sample_of(step, "p", "r"));
  }
  const auto steps_of = [&](std::size_t most) {
    std::vector<std::size_t> steps;
    const json data = data_of(render_run_page(run, {.max_samples = most}));
    for (const json& sample : data["samples"]) {
      steps.push_back(sample["step"]);
    }
    return steps;
  };
  CHECK(steps_of(5) == std::vector<std::size_t>{1, 26, 51, 76, 101});
  CHECK(steps_of(1) == std::vector<std::size_t>{101});
  CHECK(steps_of(101).size() == 101);
  CHECK(data_of(render_run_page(run, {.max_samples = 5}))["sample_count"] == 101);
}

TEST_CASE("texts, names and reasons of a run stay data, and its page loads nothing from elsewhere") {
  RunFile run = run_of(3);
  run.kind = kHostile;
  run.manifest = held({{"kind", kHostile}, {"model", kHostile}});
  run.metrics.push_back({kHostile, {{1, 1.0}}});
  run.samples.push_back(sample_of(1, kHostile, kHostile));
  run.faults.push_back({3, kHostile});
  const std::string page = render_run_page(run, {.refresh_seconds = 10});
  const std::string plain = render_run_page(run_of(3));
  CHECK(data_text(page).find_first_of("<>&") == std::string::npos);
  for (const std::string_view markup : {"<script", "</script", "<!--", "alert(1)</script>"}) {
    INFO(markup);
    CHECK(occurrences(page, markup) == occurrences(plain, markup));
  }
  for (const std::string_view loader : kLoaders) {
    INFO(loader);
    CHECK(occurrences(page, loader) == 0);
  }
  const json data = data_of(page);
  CHECK(data["refresh_seconds"] == 10);
  CHECK(data["samples"][0]["response"] == kHostile);
  CHECK(data["metrics"][2]["name"] == kHostile);
  CHECK(data["faults"][0]["reason"] == kHostile);
}

TEST_CASE("a run without steps and samples makes a page and a table") {
  const RunFile run{.manifest = held({{"kind", "sft"}}), .kind = "sft", .planned_steps = std::nullopt};
  CHECK(data_of(render_run_page(run))["metrics"].empty());
  CHECK(run_table(run) == "sft: no step yet; 0 samples\n");
}

TEST_CASE("the table has first, last, least and greatest values, and what was passed over") {
  RunFile run = run_of(4);
  run.samples.push_back(sample_of(1, "p", "r"));
  for (std::size_t line = 1; line <= 12; ++line) {
    run.faults.push_back({line, "odd \x1b[31m"});
  }
  const std::string table = run_table(run);
  CHECK(
      table.starts_with("rl: step 4 of 5000; 1 sample\n\n"
                        "metric         n  first  last  least  at step  greatest  at step\n"
                        "loss           4      1  0.25   0.25        4         1        1\n"
                        "held_out_loss  1   0.25  0.25   0.25        4      0.25        4\n\n"
                        "note: line 1 is passed over: odd \\u{1b}[31m\n"));
  CHECK(table.ends_with("note: and 2 lines more\n"));
  run.planned_steps = 4;
  CHECK(run_table(run).starts_with("rl: step 4 of 4, finished; 1 sample\n"));
}

}  // namespace
}  // namespace endorm
