#include "report/bench_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/comparison_tables.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

std::string correlation(const std::optional<double>& value) { return value ? fixed_digits(*value, 2) : kAbsentCell; }

// The first figure of the first judge; where there is none, of the responses.
const Figure* quoted_figure(const BenchReport& report) {
  if (!report.judges.empty() && !report.judges.front().table.figures.empty()) {
    return &report.judges.front().table.figures.front();
  }
  return report.responses && !report.responses->table.figures.empty() ? &report.responses->table.figures.front()
                                                                      : nullptr;
}

// "% if ties half": the head of the column for the other rule of ties; empty where no judge's figure differs by it.
std::string other_ties_head(const BenchReport& report) {
  const bool differs = std::any_of(report.judges.begin(), report.judges.end(), [](const JudgeReport& judge) {
    return !judge.table.figures.empty() && judge.table.figures.front().other_ties;
  });
  if (!differs) {
    return "";
  }
  return report.judges.front().table.ties == TieRule::kHalf ? "% if ties wrong" : "% if ties half";
}

std::string judges_table(const BenchReport& report, TableForm form) {
  const std::string other_ties = other_ties_head(report);
  std::vector<std::string> head = {"judge", "%", "95 % interval", "n", "ties", "failed", "unparsed", "with length"};
  if (!other_ties.empty()) {
    head.insert(head.begin() + 5, other_ties);
  }
  TextTable table(head);
  const auto add = [&](const std::string& name, const Figure& figure, const std::string& unparsed,
                       const std::string& length) {
    std::vector<std::string> row = {name,
                                    shown_value(figure.value, figure.fraction),
                                    shown_value(figure.interval, figure.fraction),
                                    std::to_string(figure.n),
                                    std::to_string(figure.ties),
                                    std::to_string(figure.failed),
                                    unparsed,
                                    length};
    if (!other_ties.empty()) {
      row.insert(row.begin() + 5, shown_value(figure.other_ties ? figure.other_ties : figure.value, figure.fraction));
    }
    table.add(std::move(row));
  };
  for (const JudgeReport& judge : report.judges) {
    if (!judge.table.figures.empty()) {
      add(judge.name, judge.table.figures.front(), std::to_string(judge.counts.unparsed),
          correlation(judge.length_correlations.empty() ? std::nullopt
                                                        : judge.length_correlations.front().spearman_within));
    }
  }
  const Figure* const quoted = quoted_figure(report);
  if (report.responses && quoted != nullptr) {
    for (const Figure& figure : report.responses->table.figures) {
      if (figure.group == quoted->group) {
        add("no judge: " + figure.name, figure, kAbsentCell, kAbsentCell);
      }
    }
  }
  const std::string what = quoted != nullptr ? figure_name(*quoted) : "no figure";
  return table_heading(report.benchmark + ": " + what, form) + table.text(form);
}

const Figure* find(const MetricTable& table, const Figure& wanted) {
  const auto found = std::find_if(table.figures.begin(), table.figures.end(), [&](const Figure& figure) {
    return figure.name == wanted.name && figure.group == wanted.group && figure.variant == wanted.variant;
  });
  return found == table.figures.end() ? nullptr : &*found;
}

// Figures that differ in their group alone are one row: of a benchmark of which one part is there, "all" and the part.
struct FoldedRow {
  std::string name;
  std::vector<std::string> groups;
  std::string variant;
  std::vector<std::string> numbers;  // n, then a cell a column

  std::vector<std::string> cells() const {
    std::string all;
    for (const std::string& group : groups) {
      all += group.empty() ? "" : ", " + group;
    }
    std::vector<std::string> row = {name + all + (variant.empty() ? "" : " (" + variant + ")")};
    row.insert(row.end(), numbers.begin(), numbers.end());
    return row;
  }
};

// Each figure as a row; n stands in a cell, too, where the judge's own differs. Those that nobody has are left out: a
// note tells of a part of the benchmark that is not there.
std::vector<FoldedRow> folded(const std::vector<const Figure*>& figures,
                              const std::vector<const MetricTable*>& columns) {
  std::vector<FoldedRow> rows;
  for (const Figure* figure : figures) {
    FoldedRow row{figure->name, {figure->group}, figure->variant, {std::to_string(figure->n)}};
    bool anybody = false;
    for (const MetricTable* column : columns) {
      const Figure* own = find(*column, *figure);
      std::string cell = own == nullptr ? kAbsentCell : shown_value(own->value, own->fraction);
      cell += own != nullptr && own->n != figure->n ? " (n " + std::to_string(own->n) + ")" : "";
      row.numbers.push_back(std::move(cell));
      anybody = anybody || (own != nullptr && own->value);
    }
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const FoldedRow& other) {
      return other.name == row.name && other.variant == row.variant && other.numbers == row.numbers;
    });
    if (anybody && same != rows.end()) {
      same->groups.push_back(figure->group);
    } else if (anybody) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// Every figure that some judge has, or that needs none, in the order of the first that has it. A difference stands with
// its interval in a table of its own.
std::string figures_table(const BenchReport& report, TableForm form) {
  std::vector<std::string> head = {"figure", "n"};
  std::vector<const MetricTable*> columns;
  for (const JudgeReport& judge : report.judges) {
    head.push_back(judge.name);
    columns.push_back(&judge.table);
  }
  if (report.responses) {
    head.emplace_back("no judge");
    columns.push_back(&report.responses->table);
  }
  std::vector<const Figure*> figures;
  for (const MetricTable* column : columns) {
    for (const Figure& figure : column->figures) {
      const bool known = std::any_of(figures.begin(), figures.end(),
                                     [&](const Figure* other) { return figure_name(*other) == figure_name(figure); });
      if (!known && !figure.p_value) {
        figures.push_back(&figure);
      }
    }
  }
  TextTable table(head);
  for (const FoldedRow& row : folded(figures, columns)) {
    table.add(row.cells());
  }
  return table_heading("every figure", form) + table.text(form);
}

std::string matrix_table(const std::string& judge, const Matrix& matrix, TableForm form) {
  std::vector<std::string> head = {matrix.row + " \\ " + matrix.column};
  head.insert(head.end(), matrix.columns.begin(), matrix.columns.end());
  TextTable table(head);
  const auto n_of = [](const Figure& cell) { return " (n " + std::to_string(cell.n) + ")"; };
  const Figure& first = matrix.cells.front();
  const bool alike =
      std::all_of(matrix.cells.begin(), matrix.cells.end(), [&](const Figure& cell) { return cell.n == first.n; });
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
    std::vector<std::string> row = {matrix.rows[i]};
    for (std::size_t j = 0; j < matrix.columns.size(); ++j) {
      const Figure& cell = matrix.cells[i * matrix.columns.size() + j];
      row.push_back(shown_value(cell.value, cell.fraction) + (alike || !cell.value ? "" : n_of(cell)));
    }
    table.add(std::move(row));
  }
  return table_heading(judge + ": " + matrix.name + (matrix.group.empty() ? "" : ", " + matrix.group) +
                           (alike ? n_of(first) : ""),
                       form) +
         table.text(form);
}

std::string sweep_table(const SweepReport& sweep, TableForm form) {
  TextTable table({"setting", "on the half that chooses", "n", "on the other half", "95 % interval", "n"});
  for (std::size_t i = 0; i < sweep.rows.size(); ++i) {
    const SweepRow& row = sweep.rows[i];
    std::string name(aggregation_name(row.setting.aggregation));
    if (row.setting.aggregation == Aggregation::kDiscounted) {
      name += " " + fixed_digits(row.setting.gamma, 3);
    }
    if (row.setting.alpha != 1.0) {
      name += ", alpha " + fixed_digits(row.setting.alpha, 3);
    }
    name += i == 0 ? " (as asked)" : "";
    name += i == sweep.chosen ? " (chosen)" : "";
    table.add({name, shown_value(row.selection, row.reporting.fraction), std::to_string(row.selection_n),
               shown_value(row.reporting.value, row.reporting.fraction),
               shown_value(row.reporting.interval, row.reporting.fraction), std::to_string(row.reporting.n)});
  }
  std::string out = table_heading("sweep: " + sweep.figure, form) + table.text(form);
  if (!sweep.chosen) {
    out += table_note("Of the sweep no setting is chosen: the half that chooses has fewer than " +
                          std::to_string(kFewGroups) + " prompts.",
                      form);
  }
  return out;
}

std::string share(std::size_t part, std::size_t whole) {
  return whole == 0 ? kAbsentCell : fixed_digits(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1);
}

std::string response_counts_table(const ResponseReport& report, TableForm form) {
  TextTable table({"subset", "questions", "failed", "responses", "correct %", "wrong %", "unparsable %", "truncated %",
                   "stopped %", "tokens each"});
  for (const ResponseCounts& counts : report.counts) {
    const double tokens = static_cast<double>(counts.tokens) / static_cast<double>(counts.responses);
    table.add({counts.subset, std::to_string(counts.examples), std::to_string(counts.failed),
               std::to_string(counts.responses), share(counts.correct, counts.responses),
               share(counts.responses - counts.correct - counts.unparsable, counts.responses),
               share(counts.unparsable, counts.responses), share(counts.truncated, counts.responses),
               share(counts.stopped, counts.responses), counts.tokens == 0 ? kAbsentCell : fixed_digits(tokens, 0)});
  }
  return table_heading("responses", form) + table.text(form);
}

// Why the first question could not be asked that could not.
void add_not_asked(const ResponseReport& report, std::vector<std::string>& sentences) {
  std::size_t failed = 0;
  const Example* first = nullptr;
  for (const Example& example : report.examples) {
    if (example.request.responses.empty()) {
      ++failed;
      first = first == nullptr ? &example : first;
    }
  }
  if (first != nullptr) {
    sentences.push_back(counted(failed, "question") + " could not be asked; the first, " + first->request.id + ": " +
                        (first->drawn ? first->drawn->error : ""));
  }
}

// Why a judge gave no verdict the first time it gave none.
std::string first_failure(const std::vector<JudgedExample>& rows) {
  for (const JudgedExample& row : rows) {
    for (const JudgedResponse& response : row.responses) {
      if (!response.reward) {
        return "; the first, of " + row.id + ": " + response.error;
      }
    }
    for (const JudgedComparison& comparison : row.comparisons) {
      if (!comparison.margin) {
        return "; the first, of " + row.id + ": " + comparison.error;
      }
    }
  }
  return ".";
}

std::string remarks(const BenchReport& report, TableForm form) {
  std::vector<std::string> sentences = report.notes;
  if (any_of_few_groups(report)) {
    sentences.push_back(few_groups_sentence());
  }
  if (report.responses) {
    add_not_asked(*report.responses, sentences);
  }
  for (const JudgeReport& judge : report.judges) {
    for (const std::string& note : judge.table.notes) {
      if (std::find(sentences.begin(), sentences.end(), note) == sentences.end()) {
        sentences.push_back(note);
      }
    }
    if (judge.counts.failed_responses + judge.counts.failed_comparisons > 0) {
      sentences.push_back(judge.name + ": no verdict on " + counted(judge.counts.failed_responses, "response") +
                          " and " + counted(judge.counts.failed_comparisons, "pair") + first_failure(judge.rows));
    }
    if (judge.counts.inconsistent > 0) {
      sentences.push_back(judge.name + ": " + counted(judge.counts.inconsistent, "pair") +
                          " with contradicting verdicts in the two orders.");
    }
  }
  constexpr std::size_t kMostFaults = 5;
  for (std::size_t i = 0; i < std::min(kMostFaults, report.faults.size()); ++i) {
    const RowFault& fault = report.faults[i];
    sentences.push_back("left out: " + fault.file + ", row " + std::to_string(fault.row) + ": " + fault.message);
  }
  if (report.faults.size() > kMostFaults) {
    sentences.push_back(counted(report.faults.size() - kMostFaults, "more row") + " left out: see --json.");
  }
  std::string out;
  for (const std::string& sentence : sentences) {
    out += table_note(sentence, form);
  }
  return out;
}

}  // namespace

std::string bench_tables(const BenchReport& report, TableForm form) {
  std::string out = judges_table(report, form) + figures_table(report, form);
  if (report.responses) {
    out += differences_table(report, form) + response_counts_table(*report.responses, form);
  }
  for (const JudgeReport& judge : report.judges) {
    for (const Matrix& matrix : judge.table.matrices) {
      const bool empty = std::none_of(matrix.cells.begin(), matrix.cells.end(),
                                      [](const Figure& cell) { return cell.value.has_value(); });
      if (empty || (form == TableForm::kTerminal && &matrix != &judge.table.matrices.front())) {
        continue;
      }
      out += matrix_table(judge.name, matrix, form);
    }
  }
  out += against_table(report, form);
  if (report.sweep) {
    out += sweep_table(*report.sweep, form);
  }
  return out + remarks(report, form);
}

}  // namespace endorm
