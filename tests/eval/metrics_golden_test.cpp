// Figures of synthetic judges against an independent implementation: tests/golden/eval_metrics.py made the numbers.
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "eval/metrics.h"
#include "tests/eval/judged_examples.h"
#include "tests/paths.h"

namespace endorm {
namespace {

using nlohmann::json;

const json& golden() {
  static const json loaded = json::parse(std::ifstream(source_path("tests/golden/eval_metrics.json")));
  return loaded;
}

std::optional<double> number(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

JudgedExample example_of(const json& made, std::size_t index) {
  JudgedExample example;
  example.id = made.contains("id") ? made["id"].get<std::string>() : std::to_string(index);
  example.subset = made["subset"];
  example.group = made["group"];
  if (made.contains("rewards")) {
    for (const json& reward : made["rewards"]) {
      example.responses.emplace_back();
      example.responses.back().reward = number(reward);
    }
  }
  if (made.contains("comparisons")) {
    for (const json& pair : made["comparisons"]) {
      example.comparisons.push_back(
          {.comparison = {.better = pair["better"], .worse = pair["worse"], .cell = pair["cell"]},
           .margin = number(pair["margin"])});
    }
  }
  if (made.contains("correct")) {
    example.correct = made["correct"].get<std::vector<bool>>();
  }
  if (made.contains("step_scores")) {
    example.responses.emplace_back();
    example.responses[0].step_scores = made["step_scores"].get<std::map<std::string, std::vector<double>>>();
    example.steps.emplace();
    if (!made["first_error"].is_null()) {
      example.steps->first_error = made["first_error"].get<std::size_t>();
    }
    if (!made["wrong"].is_null()) {
      example.steps->wrong = made["wrong"].get<std::vector<bool>>();
    }
  }
  return example;
}

std::vector<JudgedExample> examples_of(const json& made) {
  std::vector<JudgedExample> examples;
  for (const json& example : made["examples"]) {
    examples.push_back(example_of(example, examples.size()));
  }
  return examples;
}

void check_figures(const MetricTable& table, const json& expected) {
  for (const json& figure : expected) {
    INFO(figure.dump());
    const Figure& found = test::figure_named(table, figure["name"], figure["group"], figure["variant"]);
    REQUIRE(found.value.has_value());
    CHECK(std::abs(*found.value - figure["value"].get<double>()) <= 1e-12);
    CHECK(found.n > 0);
  }
}

TEST_CASE("figures of every benchmark agree with an independent implementation") {
  REQUIRE(golden().at("cases").size() == 9);
  for (const json& made : golden()["cases"]) {
    INFO(made["benchmark"].get<std::string>());
    MetricOptions options;
    options.bootstrap.resamples = 20;
    if (made.contains("threshold")) {
      options.threshold = made["threshold"].get<double>();
    }
    const MetricTable table = measure(made["benchmark"].get<std::string>(), examples_of(made), options);
    check_figures(table, made["figures"]);
    if (made.contains("matrix")) {
      const Matrix& matrix = table.matrices.at(0);
      REQUIRE(matrix.cells.size() == made["matrix"].size());
      CHECK(matrix.cells.size() == matrix.rows.size() * matrix.columns.size());
      for (std::size_t i = 0; i < matrix.cells.size(); ++i) {
        CHECK(std::abs(matrix.cells[i].value.value() - made["matrix"][i].get<double>()) <= 1e-12);
      }
    }
    if (made.contains("ties_wrong")) {
      options.ties = TieRule::kWrong;
      const MetricTable wrong = measure(made["benchmark"].get<std::string>(), examples_of(made), options);
      check_figures(wrong, made["ties_wrong"]);
      for (const Figure& figure : table.figures) {
        const Figure& other = test::figure_named(wrong, figure.name, figure.group, figure.variant);
        INFO(figure.name, " of ", figure.group);
        CHECK(std::abs(figure.other_ties.value_or(*figure.value) - *other.value) <= 1e-12);
        CHECK(std::abs(other.other_ties.value_or(*other.value) - *figure.value) <= 1e-12);
        CHECK(figure.other_ties.has_value() == (figure.ties > 0));
      }
    }
    if (made.contains("fitted")) {
      MetricOptions fitted;
      fitted.bootstrap.resamples = 0;
      check_figures(measure("processbench", examples_of(made), fitted), made["fitted"]);
    }
  }
}

TEST_CASE("failed and tied verdicts are counted as the golden rewards have them") {
  const json& made = golden().at("cases").at(0);
  std::size_t verdicts = 0;
  std::size_t ties = 0;
  std::size_t failed = 0;
  for (const json& example : made["examples"]) {
    for (const json& pair : example["comparisons"]) {
      failed += pair["margin"].is_null() ? 1 : 0;
      verdicts += pair["margin"].is_null() ? 0 : 1;
      ties += pair["margin"] == 0.0 ? 1 : 0;
    }
  }
  REQUIRE(ties > 0);
  REQUIRE(failed > 0);
  const Figure front = measure("rm-bench", examples_of(made)).figures.at(0);
  CHECK(front.n == verdicts);
  CHECK(front.ties == ties);
  CHECK(front.failed == failed);
}

}  // namespace
}  // namespace endorm
