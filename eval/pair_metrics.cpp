// Figures of benchmarks whose verdicts are comparisons of two responses.
#include <algorithm>
#include <array>
#include <utility>

#include "eval/metric_plans.h"

namespace endorm {
namespace {

constexpr std::size_t kStyles = 3;

// Rows that no figure of these subsets counts.
void note_unknown(Plan& plan, std::span<const JudgedExample> judged, std::span<const std::string_view> known) {
  for (const std::string& subset : subsets_of(judged)) {
    if (std::find(known.begin(), known.end(), subset) == known.end()) {
      plan.notes.push_back("Rows of \"" + subset + "\" are in no figure: the benchmark has no such subset.");
    }
  }
}

// acc[i][j] of a set of domains whose samples count alike, and the figures made of it.
struct StyleMatrix {
  std::vector<FigurePlan> cells;  // [chosen, rejected]
  FigurePlan easy;                // i > j: the chosen response has more style
  FigurePlan normal;
  FigurePlan hard;  // i < j
  FigurePlan accuracy;
};

StyleMatrix style_matrix(Plan& plan, const std::string& group, std::span<const std::string_view> subsets) {
  StyleMatrix matrix;
  std::array<std::vector<FigurePlan>, 3> by_difficulty;  // easy, normal, hard
  for (std::size_t i = 0; i < kStyles; ++i) {
    for (std::size_t j = 0; j < kStyles; ++j) {
      const std::string cell = std::to_string(i) + "," + std::to_string(j);
      std::vector<std::size_t> cells;
      for (const std::string_view subset : subsets) {
        cells.push_back(plan.cell(std::string(subset) + "/" + cell));
      }
      matrix.cells.push_back(pooled_figure("accuracy", group, cells));
      by_difficulty.at(i > j ? 0 : (i == j ? 1 : 2)).push_back(matrix.cells.back());
    }
  }
  matrix.easy = mean_figure("easy", group, by_difficulty[0]);
  matrix.normal = mean_figure("normal", group, by_difficulty[1]);
  matrix.hard = mean_figure("hard", group, by_difficulty[2]);
  matrix.accuracy = mean_figure("accuracy", group, {matrix.easy, matrix.normal, matrix.hard});
  return matrix;
}

void add_matrix(Plan& plan, const std::string& group, const StyleMatrix& styles) {
  const std::vector<std::string> names = {"concise", "detailed", "markdown"};
  plan.matrices.push_back({.name = "accuracy",
                           .group = group,
                           .row = "chosen",
                           .column = "rejected",
                           .rows = names,
                           .columns = names,
                           .cells = styles.cells});
}

constexpr std::array<std::string_view, 5> kRmBenchSubsets = {"chat", "math", "code", "safety-refuse",
                                                             "safety-response"};
constexpr std::array<std::string_view, 4> kDomains = {"academy", "business", "literature", "entertainment"};
constexpr std::array<std::string_view, 5> kLlmBarSubsets = {"Natural", "Neighbor", "GPTInst", "GPTOut", "Manual"};

}  // namespace

Plan plan_rm_bench(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  add_comparisons(plan, judged, [](const JudgedExample& example, const Comparison& comparison) {
    return example.subset + "/" + comparison.cell;
  });
  const std::span<const std::string_view> all(kRmBenchSubsets);
  struct Domain {
    std::string name;
    StyleMatrix styles;
  };
  std::vector<Domain> domains;
  for (const auto& [name, first, count] :
       {std::tuple{"chat", 0, 1}, std::tuple{"math", 1, 1}, std::tuple{"code", 2, 1}, std::tuple{"safety", 3, 2}}) {
    domains.push_back({name, style_matrix(plan, name, all.subspan(first, count))});
  }
  const auto mean_of_domains = [&](const std::string& name, FigurePlan StyleMatrix::*member) {
    std::vector<FigurePlan> parts;
    parts.reserve(domains.size());
    for (const Domain& domain : domains) {
      parts.push_back(domain.styles.*member);
    }
    return mean_figure(name, "mean of domains", parts);
  };
  const StyleMatrix pooled = style_matrix(plan, "all", all);
  plan.figures = {mean_of_domains("accuracy", &StyleMatrix::accuracy),
                  pooled.accuracy,
                  mean_of_domains("easy", &StyleMatrix::easy),
                  mean_of_domains("normal", &StyleMatrix::normal),
                  mean_of_domains("hard", &StyleMatrix::hard),
                  pooled.easy,
                  pooled.normal,
                  pooled.hard};
  for (const Domain& domain : domains) {
    append(plan.figures, {domain.styles.accuracy, domain.styles.easy, domain.styles.normal, domain.styles.hard});
  }
  for (const std::size_t part : {3, 4}) {
    plan.figures.push_back(style_matrix(plan, std::string(all[part]), all.subspan(part, 1)).accuracy);
  }
  add_matrix(plan, "all", pooled);
  for (const Domain& domain : domains) {
    add_matrix(plan, domain.name, domain.styles);
  }
  plan.notes.emplace_back(
      "Two averages: \"mean of domains\" is RM-Bench's own rule, \"all\" counts every prompt alike as the paper's "
      "table does.");
  note_missing(plan, judged, all, "Where a domain has none, the mean of domains is absent.");
  note_unknown(plan, judged, all);
  return plan;
}

Plan plan_dsp(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  plan.strata_are_subsets = false;  // a query stands under every system message
  add_comparisons(plan, judged, [](const JudgedExample& example, const Comparison& comparison) {
    return example.subset + "/" + comparison.cell;
  });
  MatrixPlan matrix{.name = "accuracy",
                    .group = "all",
                    .row = "system message",
                    .column = "test set",
                    .rows = {},
                    .columns = {kDomains.begin(), kDomains.end()},
                    .cells = {}};
  std::vector<FigurePlan> diagonal;
  std::vector<FigurePlan> without;
  std::vector<std::string> rows(kDomains.begin(), kDomains.end());
  const std::vector<std::string> there = subsets_of(judged);
  if (std::find(there.begin(), there.end(), "none") != there.end()) {
    rows.emplace_back("none");
  }
  for (const std::string& row : rows) {
    matrix.rows.push_back(row);
    for (const std::string& column : matrix.columns) {
      std::string cell = row;
      cell.append("/").append(column);
      matrix.cells.push_back(pooled_figure("accuracy", cell, {plan.cell(cell)}));
      if (row == column) {
        diagonal.push_back(matrix.cells.back());
      }
      if (row == "none") {
        without.push_back(matrix.cells.back());
      }
    }
  }
  plan.figures.push_back(mean_figure("diagonal average", "all", diagonal));
  append(plan.figures, diagonal);
  if (!without.empty()) {
    plan.figures.push_back(mean_figure("average without a system message", "none", without));
  }
  plan.matrices.push_back(std::move(matrix));
  note_missing(plan, judged, kDomains, "The diagonal average is absent.");
  return plan;
}

Plan plan_multifaceted(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  const std::vector<FigurePlan> sources = accuracies_by_subset(plan, judged);
  plan.figures = {pooled_over(sources), mean_figure("accuracy", "mean of sources", sources)};
  append(plan.figures, sources);
  return plan;
}

Plan plan_judge_bench(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  const std::vector<FigurePlan> sources = accuracies_by_subset(plan, judged);
  plan.figures.push_back(pooled_over(sources));
  for (const auto& [category, prefix] :
       {std::pair{"knowledge", "mmlu-pro"}, std::pair{"reasoning", "livebench-reasoning"},
        std::pair{"math", "livebench-math"}, std::pair{"coding", "livecodebench"}}) {
    std::vector<FigurePlan> members;
    std::copy_if(sources.begin(), sources.end(), std::back_inserter(members),
                 [start = prefix](const FigurePlan& source) { return source.group.starts_with(start); });
    plan.figures.push_back(pooled_over(members, "accuracy", category));
  }
  append(plan.figures, sources);
  return plan;
}

Plan plan_llm_bar(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  const std::vector<FigurePlan> there = accuracies_by_subset(plan, judged);
  std::vector<FigurePlan> sets;
  sets.reserve(kLlmBarSubsets.size());
  for (const std::string_view name : kLlmBarSubsets) {
    sets.push_back(pooled_figure("accuracy", std::string(name), {plan.cell(std::string(name))}));
  }
  plan.figures = {mean_figure("accuracy", "mean of sets", sets), pooled_over(there),
                  mean_figure("accuracy", "mean of adversarial sets", {sets.begin() + 1, sets.end()})};
  append(plan.figures, sets);
  note_missing(plan, judged, kLlmBarSubsets, "Means of sets are absent.");
  return plan;
}

Plan plan_pairs(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  const std::vector<FigurePlan> subsets = accuracies_by_subset(plan, judged);
  plan.figures.push_back(pooled_over(subsets));
  if (subsets.size() > 1) {
    append(plan.figures, subsets);
  }
  return plan;
}

}  // namespace endorm
