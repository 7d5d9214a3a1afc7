#include "report/figure_data.h"

#include <string>

namespace endorm {
namespace {

using Cell = DataTable::Cell;

void add_figure(DataTable& table, const std::string& judge, const Figure& figure) {
  table.add({judge,
             {},
             figure.name,
             figure.group,
             figure.variant,
             cell_of(figure.value),
             figure.interval ? Cell(figure.interval->low) : Cell(),
             figure.interval ? Cell(figure.interval->high) : Cell(),
             cell_of(figure.p_value),
             cell_of(figure.holm_p_value),
             figure.n,
             figure.ties,
             figure.failed});
}

}  // namespace

DataTable figure_data(const BenchReport& report) {
  DataTable table(
      {"judge", "against", "figure", "group", "variant", "value", "low", "high", "p", "holm_p", "n", "ties", "failed"});
  for (const JudgeReport& judge : report.judges) {
    for (const Figure& figure : judge.table.figures) {
      add_figure(table, judge.name, figure);
    }
  }
  if (report.responses) {
    for (const Figure& figure : report.responses->table.figures) {
      add_figure(table, "", figure);
    }
  }
  for (const auto& [second, comparison] : report.comparisons) {
    for (const ComparedFigure& compared : comparison.figures) {
      const Figure& figure = compared.first;
      table.add({report.judges[0].name,
                 report.judges[second].name,
                 figure.name,
                 figure.group,
                 figure.variant,
                 cell_of(compared.difference),
                 compared.interval ? Cell(compared.interval->low) : Cell(),
                 compared.interval ? Cell(compared.interval->high) : Cell(),
                 cell_of(compared.p_value),
                 cell_of(compared.holm_p_value),
                 figure.n,
                 {},
                 {}});
    }
  }
  return table;
}

}  // namespace endorm
