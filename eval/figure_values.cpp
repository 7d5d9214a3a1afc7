// Figures of a plan: values, counts, and how far they are to be trusted.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "eval/figure_plan.h"

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

std::vector<double> total(std::span<const BootstrapUnit> units, std::size_t columns) {
  std::vector<double> sums(columns);
  for (const BootstrapUnit& unit : units) {
    for (const BootstrapUnit::Amount& amount : unit.amounts) {
      sums[amount.column] += amount.amount;
    }
  }
  return sums;
}

// The sums where tied pairs count by the other rule.
std::vector<double> total_by_other_ties(const Plan& plan, std::vector<double> sums) {
  for (const CellVerdict& verdict : plan.verdicts) {
    if (verdict.is_pair && verdict.tie) {
      sums[2 * verdict.cell] += plan.ties == TieRule::kHalf ? -0.5 : 0.5;
    }
  }
  return sums;
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
Figure figure_of(const FigurePlan& planned, std::span<const CellCount> counts, std::span<const double> sums,
                 std::span<const double> other_sums) {
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
    const double other = planned.formula(CellSums(other_sums));
    if (std::abs(other - value) > 1e-12) {  // more than rounding
      figure.other_ties = other;
    }
  }
  return figure;
}

// The weight of a credit of each cell [cells] in a mean: its value where that credit is 1 and every other one 0.
std::vector<double> credit_weights(const FigurePlan& planned, std::span<const double> sums) {
  std::vector<double> probe(sums.begin(), sums.end());
  for (std::size_t credit = 0; credit < probe.size(); credit += 2) {
    probe[credit] = 0.0;
  }
  std::vector<double> weights(sums.size() / 2);
  for (std::size_t cell = 0; cell < weights.size(); ++cell) {
    // A difference has cells of its other side, too.
    const bool counts =
        planned.is_difference || std::find(planned.cells.begin(), planned.cells.end(), cell) != planned.cells.end();
    if (counts) {
      probe[2 * cell] = 1.0;
      weights[cell] = planned.formula(CellSums(probe));
      probe[2 * cell] = 0.0;
    }
  }
  return weights;
}

// The groups behind a figure.
struct Groups {
  std::size_t count = 0;
  std::size_t drawn = 0;    // of these: not alone in their stratum, which every resample draws again
  double largest = 0.0;     // of a mean: the share of it that one group decides
  std::vector<double> sum;  // of a mean: what each unit adds to the value

  bool are_few() const { return drawn < kFewGroups || largest * static_cast<double>(kFewGroups) > 1.0 + 1e-9; }
};

Groups groups_of(const FigurePlan& planned, std::span<const BootstrapUnit> units, std::span<const double> sums) {
  const std::set<std::size_t> cells(planned.cells.begin(), planned.cells.end());
  const std::vector<double> weights =
      planned.is_mean ? credit_weights(planned, sums) : std::vector<double>(sums.size() / 2);
  Groups groups;
  std::map<std::size_t, std::size_t> of_stratum;
  for (const BootstrapUnit& unit : units) {
    bool is_in = false;
    double weight = 0.0;
    double sum = 0.0;
    for (const BootstrapUnit::Amount& amount : unit.amounts) {
      const double of_credit = weights[amount.column / 2];
      if (amount.column % 2 == 0) {
        sum += of_credit * amount.amount;
      } else {
        weight += std::max(0.0, of_credit) * amount.amount;
        is_in = is_in || cells.contains(amount.column / 2);
      }
    }
    groups.sum.push_back(sum);
    groups.largest = std::max(groups.largest, weight);
    if (is_in) {
      ++groups.count;
      ++of_stratum[unit.stratum];
    }
  }
  for (const auto& [stratum, count] : of_stratum) {
    groups.drawn += count > 1 ? count : 0;
  }
  return groups;
}

// What a choice adds to its lead over chance: it is right with the chance that a random one has.
std::vector<TwoValues> choices_by_chance(const Plan& plan, const std::vector<double>& weights) {
  struct Chance {
    double weight = 0.0;
    double right = 0.0;
  };
  std::map<std::size_t, Chance> by_example;
  for (const CellVerdict& verdict : plan.verdicts) {
    if (verdict.credit) {
      Chance& own = by_example[verdict.example];
      own.weight += std::max(0.0, weights[verdict.cell]);
      own.right += std::max(0.0, -weights[verdict.cell]) * *verdict.credit;
    }
  }
  std::vector<TwoValues> units;
  for (const auto& [example, own] : by_example) {
    if (own.weight > 0.0) {
      units.push_back({own.weight - own.right, -own.right, std::min(1.0, own.right / own.weight)});
    }
  }
  return units;
}

// Of a group's difference, that either judge has either side of it.
std::vector<TwoValues> exchanged(const std::vector<double>& differences) {
  std::vector<TwoValues> units;
  for (const double difference : differences) {
    if (difference != 0.0) {
      units.push_back({difference, -difference, 0.5});
    }
  }
  return units;
}

// Interval and p-value of a figure with a value, by what its groups allow.
void add_uncertainty(const FigurePlan& planned, const Plan& plan, std::span<const BootstrapUnit> units,
                     std::span<const double> sums, std::span<const double> resampled, double level, Figure& figure) {
  const Groups groups = groups_of(planned, units, sums);
  figure.groups = groups.count;
  if (resampled.empty()) {  // none is asked for
    return;
  }
  const bool constant = resampled.front() == resampled.back() && !planned.is_difference;
  if (!groups.are_few() && !constant) {
    figure.interval = percentile_interval(resampled, level);
    figure.interval_by = "bootstrap";
  } else if (planned.is_mean && planned.fraction && !planned.is_difference && groups.largest > 0.0) {
    // A share varies at most as a coin of the same mean does, and a weighted mean of shares at most as that of as many
    // coins as the largest weight would make.
    const double trials = 1.0 / groups.largest;
    figure.interval = wilson_interval(trials * std::clamp(*figure.value, 0.0, 1.0), trials, level);
    figure.interval_by = "wilson";
  }
  if (planned.is_difference && !groups.are_few()) {
    figure.p_value = bootstrap_p_value(resampled);
    figure.p_value_by = "bootstrap";
  } else if (planned.is_difference && planned.is_mean) {
    figure.p_value = exact_p_value(
        planned.against_chance ? choices_by_chance(plan, credit_weights(planned, sums)) : exchanged(groups.sum),
        *figure.value);
    figure.p_value_by = figure.p_value ? "exact" : "";
  }
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
  const std::vector<double> other_sums = total_by_other_ties(plan, sums);
  const std::vector<CellCount> counts = count_cells(plan);
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Figure& figure = figures.emplace_back(figure_of(planned[i], counts, sums, other_sums));
    if (figure.value) {
      add_uncertainty(planned[i], plan, units, sums, resampled[i], options.level, figure);
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
