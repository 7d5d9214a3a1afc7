#include "eval/figure_plan.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

#include "core/listed.h"

namespace endorm {
namespace {

// Every figure of a plan, those of its matrices behind the others.
std::vector<FigurePlan> all_figures(const Plan& plan) {
  std::vector<FigurePlan> figures = plan.figures;
  for (const MatrixPlan& matrix : plan.matrices) {
    append(figures, matrix.cells);
  }
  return figures;
}

std::vector<double> total(std::span<const BootstrapUnit> units, std::size_t columns) {
  std::vector<double> sums(columns);
  for (const BootstrapUnit& unit : units) {
    for (const BootstrapUnit::Amount& amount : unit.amounts) {
      sums[amount.column] += amount.amount;
    }
  }
  return sums;
}

// Units of the bootstrap: the verdicts summed by group, cell c at columns 2c and the next.
std::vector<BootstrapUnit> units_of(const Plan& plan, std::span<const JudgedExample> judged) {
  std::map<std::string, std::size_t, std::less<>> groups;
  std::map<std::string, std::size_t, std::less<>> strata;
  std::vector<std::size_t> group_of(judged.size());
  std::vector<std::size_t> stratum_of_group;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const auto [group, is_new] = groups.try_emplace(judged[i].group, groups.size());
    group_of[i] = group->second;
    if (is_new) {
      const std::string& stratum = plan.strata_are_subsets ? judged[i].subset : std::string();
      stratum_of_group.push_back(strata.try_emplace(stratum, strata.size()).first->second);
    }
  }
  std::vector<std::map<std::size_t, double>> amounts(groups.size());
  for (const CellVerdict& verdict : plan.verdicts) {
    if (!verdict.credit) {
      continue;
    }
    std::map<std::size_t, double>& columns = amounts[group_of[verdict.example]];
    columns[2 * verdict.cell] += *verdict.credit;
    columns[2 * verdict.cell + 1] += 1.0;
  }
  std::vector<BootstrapUnit> units(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    units[g].stratum = stratum_of_group[g];
    for (const auto& [column, amount] : amounts[g]) {
      units[g].amounts.push_back({.column = column, .amount = amount});
    }
  }
  return units;
}

// How many verdicts a cell has.
struct CellCount {
  std::size_t number = 0;
  std::size_t ties = 0;
  std::size_t failed = 0;
};

std::vector<CellCount> count_cells(const Plan& plan) {
  std::vector<CellCount> counts(plan.cell_count());
  for (const CellVerdict& verdict : plan.verdicts) {
    CellCount& count = counts[verdict.cell];
    count.number += verdict.credit ? 1 : 0;
    count.ties += verdict.credit && verdict.tie ? 1 : 0;
    count.failed += verdict.credit ? 0 : 1;
  }
  return counts;
}

// The figure's value and counts; no interval.
Figure figure_of(const FigurePlan& planned, std::span<const CellCount> counts, std::span<const double> sums) {
  Figure figure;
  figure.name = planned.name;
  figure.group = planned.group;
  figure.variant = planned.variant;
  figure.fraction = planned.fraction;
  for (const std::size_t cell : std::set<std::size_t>(planned.cells.begin(), planned.cells.end())) {
    figure.n += counts[cell].number;
    figure.ties += counts[cell].ties;
    figure.failed += counts[cell].failed;
  }
  const double value = planned.formula(CellSums(sums));
  if (!std::isnan(value)) {
    figure.value = value;
  }
  return figure;
}

// A figure to quote must have a value: the first that has one comes to the front.
void bring_first_value_to_front(std::vector<Figure>& figures) {
  const auto present =
      std::find_if(figures.begin(), figures.end(), [](const Figure& figure) { return figure.value.has_value(); });
  if (present != figures.end()) {
    std::rotate(figures.begin(), present, present + 1);
  }
}

}  // namespace

std::size_t Plan::cell(const std::string& name) { return cells_.try_emplace(name, cells_.size()).first->second; }

std::vector<std::string> Plan::cell_names() const {
  std::vector<std::string> names(cells_.size());
  for (const auto& [name, index] : cells_) {
    names[index] = name;
  }
  return names;
}

FigurePlan pooled_figure(std::string name, std::string group, std::vector<std::size_t> cells) {
  FigurePlan figure{.name = std::move(name), .group = std::move(group), .variant = {}, .cells = {}, .formula = {}};
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

std::vector<Figure> compute_figures(const Plan& plan, std::span<const JudgedExample> judged,
                                    std::span<const FigurePlan> planned, const BootstrapOptions& options) {
  const std::size_t columns = 2 * plan.cell_count();
  const std::vector<BootstrapUnit> units = units_of(plan, judged);
  const std::vector<double> sums = total(units, columns);
  const SumStatistics statistics = [&](std::span<const double> resampled, std::span<double> values) {
    for (std::size_t i = 0; i < planned.size(); ++i) {
      values[i] = planned[i].formula(CellSums(resampled));
    }
  };
  const std::vector<std::vector<double>> resampled = bootstrap(units, columns, planned.size(), statistics, options);
  const std::vector<CellCount> counts = count_cells(plan);
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Figure& figure = figures.emplace_back(figure_of(planned[i], counts, sums));
    if (figure.value) {
      figure.interval = percentile_interval(resampled[i], options.level);
      figure.p_value = planned[i].is_difference ? bootstrap_p_value(resampled[i]) : std::nullopt;
    }
  }
  return figures;
}

MetricTable compute(const Plan& plan, std::span<const JudgedExample> judged, const BootstrapOptions& options) {
  std::vector<Figure> figures = compute_figures(plan, judged, all_figures(plan), options);
  MetricTable table;
  table.notes = plan.notes;
  std::size_t next = plan.figures.size();
  for (const MatrixPlan& matrix : plan.matrices) {
    table.matrices.push_back({.name = matrix.name,
                              .group = matrix.group,
                              .row = matrix.row,
                              .column = matrix.column,
                              .rows = matrix.rows,
                              .columns = matrix.columns,
                              .cells = {}});
    for (std::size_t i = 0; i < matrix.cells.size(); ++i) {
      table.matrices.back().cells.push_back(figures[next++]);
    }
  }
  figures.resize(plan.figures.size());
  table.figures = std::move(figures);
  bring_first_value_to_front(table.figures);
  return table;
}

}  // namespace endorm
