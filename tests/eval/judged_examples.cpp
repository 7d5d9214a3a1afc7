#include "tests/eval/judged_examples.h"

#include <stdexcept>
#include <utility>

namespace endorm::test {

void fill_margins(JudgedExample& example) {
  for (JudgedComparison& judged : example.comparisons) {
    const std::optional<double>& better = example.responses.at(judged.comparison.better).reward;
    const std::optional<double>& worse = example.responses.at(judged.comparison.worse).reward;
    if (better && worse) {
      judged.margin = *better - *worse;
    }
  }
}

std::vector<JudgedExample> rm_bench_examples(std::size_t prompts, const MakeReward& reward) {
  std::vector<JudgedExample> examples;
  for (const char* subset : {"chat", "math", "code", "safety-refuse", "safety-response"}) {
    for (std::size_t p = 0; p < prompts; ++p) {
      JudgedExample example;
      example.id = std::string(subset) + "/" + std::to_string(p);
      example.group = example.id;
      example.key = example.id;
      example.subset = subset;
      example.responses.resize(6);
      for (std::size_t r = 0; r < 6; ++r) {
        example.responses[r].reward = reward(r < 3);
      }
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          const std::string cell = std::to_string(i) + "," + std::to_string(j);
          example.comparisons.push_back({.comparison = {.better = i, .worse = 3 + j, .cell = cell}, .margin = {}});
        }
      }
      fill_margins(example);
      examples.push_back(std::move(example));
    }
  }
  return examples;
}

JudgedExample pair_example(const std::string& id, const std::string& subset, std::optional<double> better,
                           std::optional<double> worse) {
  JudgedExample example;
  example.id = id;
  example.key = id;
  example.group = id;
  example.subset = subset;
  example.responses.resize(2);
  example.responses[0].reward = better;
  example.responses[1].reward = worse;
  example.comparisons.push_back({.comparison = {.better = 0, .worse = 1, .cell = {}}, .margin = {}});
  fill_margins(example);
  return example;
}

JudgedExample step_example(const std::string& id, const std::string& subset, std::optional<std::size_t> first_error,
                           std::vector<double> scores) {
  JudgedExample example;
  example.id = id;
  example.key = id;
  example.group = id;
  example.subset = subset;
  example.responses.resize(1);
  example.responses[0].step_scores["mean"] = std::move(scores);
  example.steps = StepLabel{.first_error = first_error, .wrong = std::nullopt};
  return example;
}

const Figure& figure_named(const MetricTable& table, const std::string& name, const std::string& group,
                           const std::string& variant) {
  for (const Figure& figure : table.figures) {
    if (figure.name == name && figure.group == group && figure.variant == variant) {
      return figure;
    }
  }
  throw std::runtime_error("no figure " + name + " of " + group + " (" + variant + ") in " + table.benchmark);
}

}  // namespace endorm::test
