#include "eval/figure_plan.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "core/listed.h"

namespace endorm {

std::size_t Plan::cell(const std::string& name) { return cells_.try_emplace(name, cells_.size()).first->second; }

void Plan::count_ties(TieRule rule) {
  ties = rule;
  for (CellVerdict& verdict : verdicts) {
    if (verdict.is_pair && verdict.tie) {
      verdict.credit = rule == TieRule::kHalf ? 0.5 : 0.0;
    }
  }
}

std::vector<std::string> Plan::cell_names() const {
  std::vector<std::string> names(cells_.size());
  for (const auto& [name, index] : cells_) {
    names[index] = name;
  }
  return names;
}

FigurePlan pooled_figure(std::string name, std::string group, std::vector<std::size_t> cells) {
  FigurePlan figure{.name = std::move(name), .group = std::move(group), .variant = {}, .cells = {}, .formula = {}};
  figure.is_mean = true;
  figure.cells = cells;
  figure.formula = [cells = std::move(cells)](const CellSums& sums) {
    double credit = 0.0;
    double number = 0.0;
    for (const std::size_t cell : cells) {
      credit += sums.credit(cell);
      number += sums.number(cell);
    }
    return number > 0.0 ? credit / number : std::nan("");
  };
  return figure;
}

FigurePlan weighted_figure(std::string name, std::string group, const std::vector<FigurePlan>& parts,
                           std::vector<double> weights) {
  FigurePlan figure{.name = std::move(name), .group = std::move(group), .variant = {}, .cells = {}, .formula = {}};
  std::set<std::size_t> cells;
  std::vector<Formula> formulas;
  for (const FigurePlan& part : parts) {
    cells.insert(part.cells.begin(), part.cells.end());
    formulas.push_back(part.formula);
  }
  figure.is_mean = std::all_of(parts.begin(), parts.end(), [](const FigurePlan& part) { return part.is_mean; });
  figure.cells.assign(cells.begin(), cells.end());
  figure.formula = [formulas = std::move(formulas), weights = std::move(weights)](const CellSums& sums) {
    double weighted = 0.0;
    double weight = 0.0;
    for (std::size_t i = 0; i < formulas.size(); ++i) {
      weighted += weights[i] * formulas[i](sums);
      weight += weights[i];
    }
    return formulas.empty() ? std::nan("") : weighted / weight;
  };
  return figure;
}

FigurePlan mean_figure(std::string name, std::string group, const std::vector<FigurePlan>& parts) {
  return weighted_figure(std::move(name), std::move(group), parts, std::vector<double>(parts.size(), 1.0));
}

void append(std::vector<FigurePlan>& figures, const std::vector<FigurePlan>& more) {
  figures.insert(figures.end(), more.begin(), more.end());
}

void add_comparisons(Plan& plan, std::span<const JudgedExample> judged,
                     const std::function<std::string(const JudgedExample&, const Comparison&)>& cell_name) {
  for (std::size_t i = 0; i < judged.size(); ++i) {
    for (const JudgedComparison& comparison : judged[i].comparisons) {
      CellVerdict verdict{.cell = plan.cell(cell_name(judged[i], comparison.comparison)), .example = i, .credit = {}};
      verdict.is_pair = true;
      if (comparison.margin) {
        verdict.credit = *comparison.margin > 0.0 ? 1.0 : 0.0;
        verdict.tie = *comparison.margin == 0.0;
      }
      plan.verdicts.push_back(verdict);
    }
  }
}

std::vector<std::string> subsets_of(std::span<const JudgedExample> judged) {
  std::vector<std::string> subsets;
  std::set<std::string> known;
  for (const JudgedExample& example : judged) {
    if (known.insert(example.subset).second) {
      subsets.push_back(example.subset);
    }
  }
  return subsets;
}

std::vector<FigurePlan> accuracies_by_subset(Plan& plan, std::span<const JudgedExample> judged) {
  add_comparisons(plan, judged, [](const JudgedExample& example, const Comparison&) { return example.subset; });
  std::vector<FigurePlan> figures;
  for (const std::string& subset : subsets_of(judged)) {
    figures.push_back(pooled_figure("accuracy", subset, {plan.cell(subset)}));
  }
  return figures;
}

FigurePlan pooled_over(const std::vector<FigurePlan>& parts, std::string name, std::string group) {
  std::set<std::size_t> cells;
  for (const FigurePlan& part : parts) {
    cells.insert(part.cells.begin(), part.cells.end());
  }
  return pooled_figure(std::move(name), std::move(group), {cells.begin(), cells.end()});
}

void note_missing(Plan& plan, std::span<const JudgedExample> judged, std::span<const std::string_view> wanted,
                  const std::string& consequence) {
  const std::vector<std::string> there = subsets_of(judged);
  std::vector<std::string_view> missing;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(missing),
               [&](std::string_view name) { return std::find(there.begin(), there.end(), name) == there.end(); });
  if (!missing.empty()) {
    plan.notes.push_back("No rows of: " + listed(missing) + ". " + consequence);
  }
}

}  // namespace endorm
