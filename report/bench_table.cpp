#include "report/bench_table.h"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "report/terminal_text.h"

namespace endorm {
namespace {

constexpr const char* kAbsent = "-";

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string shown(const std::optional<double>& value, bool fraction) {
  return !value ? kAbsent : fraction ? fixed(100.0 * *value, 1) : fixed(*value, 3);
}

std::string shown(const std::optional<Interval>& interval, bool fraction) {
  return !interval ? kAbsent : shown(interval->low, fraction) + " to " + shown(interval->high, fraction);
}

std::string correlation(const std::optional<double>& value) { return value ? fixed(*value, 2) : kAbsent; }

std::string p_value(double value) { return value < 1e-4 ? "<0.0001" : fixed(value, 4); }

std::string figure_name(const Figure& figure) {
  std::string name = figure.name;
  if (!figure.group.empty()) name += ", " + figure.group;
  if (!figure.variant.empty()) name += " (" + figure.variant + ")";
  return name;
}

// A text that Markdown shows as it is, in a cell of a table, too.
std::string markdown(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("|\\<*`[").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

std::string one_line(const std::string& text, TableForm form) {
  const std::string line = terminal_line(text);
  return form == TableForm::kMarkdown ? markdown(line) : line;
}

// Cells as text; the first column is flush left, the others right.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { add(std::move(head)); }

  void add(std::vector<std::string> row) {
    for (std::string& cell : row) {
      cell = terminal_line(cell);
    }
    rows_.push_back(std::move(row));
  }

  std::string text(TableForm form) const {
    std::string out;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      out += form == TableForm::kMarkdown ? markdown_row(rows_[i]) : terminal_row(rows_[i]);
      if (i == 0 && form == TableForm::kMarkdown) {
        out += "|";
        for (std::size_t column = 0; column < rows_[0].size(); ++column) {
          out += column == 0 ? "---|" : "---:|";
        }
        out += "\n";
      }
    }
    return out + "\n";
  }

 private:
  static std::string markdown_row(const std::vector<std::string>& row) {
    std::string line = "|";
    for (const std::string& cell : row) {
      line += " ";
      line += markdown(cell) + " |";
    }
    return line + "\n";
  }

  std::string terminal_row(const std::vector<std::string>& row) const {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::size_t used = terminal_columns(row[column]);
      const std::string gap(width(column) - std::min(width(column), used), ' ');
      line += column == 0 ? row[column] + gap : "  " + gap + row[column];
    }
    while (!line.empty() && line.back() == ' ') {
      line.pop_back();
    }
    return line + "\n";
  }

  std::size_t width(std::size_t column) const {
    std::size_t widest = 0;
    for (const std::vector<std::string>& row : rows_) {
      widest = std::max(widest, column < row.size() ? terminal_columns(row[column]) : 0);
    }
    return widest;
  }

  std::vector<std::vector<std::string>> rows_;
};

std::string heading(const std::string& text, TableForm form) {
  return (form == TableForm::kMarkdown ? "### " : "") + one_line(text, form) + "\n" +
         (form == TableForm::kMarkdown ? "\n" : "");
}

std::string judges_table(const BenchReport& report, TableForm form) {
  Table table({"judge", "%", "95 % interval", "n", "ties", "failed", "unparsed", "with length"});
  for (const JudgeReport& judge : report.judges) {
    if (judge.table.figures.empty()) continue;
    const Figure& figure = judge.table.figures.front();
    const std::optional<double> length =
        judge.length_correlations.empty() ? std::nullopt : judge.length_correlations.front().spearman_within;
    table.add({judge.name, shown(figure.value, figure.fraction), shown(figure.interval, figure.fraction),
               std::to_string(figure.n), std::to_string(figure.ties), std::to_string(figure.failed),
               std::to_string(judge.counts.unparsed), correlation(length)});
  }
  const bool any = !report.judges.empty() && !report.judges.front().table.figures.empty();
  const std::string what = any ? figure_name(report.judges.front().table.figures.front()) : "no figure";
  return heading(report.benchmark + ": " + what, form) + table.text(form);
}

const Figure* find(const MetricTable& table, const Figure& wanted) {
  const auto found = std::find_if(table.figures.begin(), table.figures.end(), [&](const Figure& figure) {
    return figure.name == wanted.name && figure.group == wanted.group && figure.variant == wanted.variant;
  });
  return found == table.figures.end() ? nullptr : &*found;
}

// Every figure that some judge has, in the order of the first judge that has it.
std::string figures_table(const BenchReport& report, TableForm form) {
  std::vector<std::string> head = {"figure", "n"};
  std::vector<const Figure*> figures;
  for (const JudgeReport& judge : report.judges) {
    head.push_back(judge.name);
    for (const Figure& figure : judge.table.figures) {
      const bool known = std::any_of(figures.begin(), figures.end(),
                                     [&](const Figure* other) { return figure_name(*other) == figure_name(figure); });
      if (!known) figures.push_back(&figure);
    }
  }
  Table table(head);
  for (const Figure* figure : figures) {
    const bool anybody = std::any_of(report.judges.begin(), report.judges.end(), [&](const JudgeReport& judge) {
      const Figure* own = find(judge.table, *figure);
      return own != nullptr && own->value;
    });
    if (!anybody) continue;  // a part of the benchmark that is not there: a note says so
    std::vector<std::string> row = {figure_name(*figure), std::to_string(figure->n)};
    for (const JudgeReport& judge : report.judges) {
      const Figure* own = find(judge.table, *figure);
      row.push_back(own == nullptr ? kAbsent : shown(own->value, own->fraction));
    }
    table.add(std::move(row));
  }
  return heading("every figure", form) + table.text(form);
}

std::string matrix_table(const std::string& judge, const Matrix& matrix, TableForm form) {
  std::vector<std::string> head = {matrix.row + " \\ " + matrix.column};
  head.insert(head.end(), matrix.columns.begin(), matrix.columns.end());
  Table table(head);
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
    std::vector<std::string> row = {matrix.rows[i]};
    for (std::size_t j = 0; j < matrix.columns.size(); ++j) {
      const Figure& cell = matrix.cells[i * matrix.columns.size() + j];
      row.push_back(shown(cell.value, cell.fraction));
    }
    table.add(std::move(row));
  }
  return heading(judge + ": " + matrix.name + (matrix.group.empty() ? "" : ", " + matrix.group), form) +
         table.text(form);
}

std::string sweep_table(const SweepReport& sweep, TableForm form) {
  Table table({"setting", "on the half that chooses", "on the other half", "95 % interval"});
  for (std::size_t i = 0; i < sweep.rows.size(); ++i) {
    const SweepRow& row = sweep.rows[i];
    std::string name(aggregation_name(row.setting.aggregation));
    if (row.setting.aggregation == Aggregation::kDiscounted) name += " " + fixed(row.setting.gamma, 3);
    if (row.setting.alpha != 1.0) name += ", alpha " + fixed(row.setting.alpha, 3);
    name += i == 0 ? " (as asked)" : "";
    name += i == sweep.chosen ? " (chosen)" : "";
    table.add({name, shown(row.selection, row.reporting.fraction), shown(row.reporting.value, row.reporting.fraction),
               shown(row.reporting.interval, row.reporting.fraction)});
  }
  return heading("sweep: " + sweep.figure, form) + table.text(form);
}

// Why a judge gave no verdict the first time it gave none.
std::string first_failure(const std::vector<JudgedExample>& rows) {
  for (const JudgedExample& row : rows) {
    for (const JudgedResponse& response : row.responses) {
      if (!response.reward) return "; the first, of " + row.id + ": " + response.error;
    }
    for (const JudgedComparison& comparison : row.comparisons) {
      if (!comparison.margin) return "; the first, of " + row.id + ": " + comparison.error;
    }
  }
  return ".";
}

std::string remarks(const BenchReport& report, TableForm form) {
  std::vector<std::string> sentences = report.notes;
  for (const JudgeReport& judge : report.judges) {
    for (const std::string& note : judge.table.notes) {
      if (std::find(sentences.begin(), sentences.end(), note) == sentences.end()) sentences.push_back(note);
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
    out += (form == TableForm::kMarkdown ? "- " : "note: ") + one_line(sentence, form) + "\n";
  }
  return out;
}

}  // namespace

std::string comparison_table(const std::string& first, const std::string& second, const JudgeComparison& comparison,
                             TableForm form) {
  Table table({"figure", first, second, "difference", "95 % interval", "p"});
  for (const ComparedFigure& figure : comparison.figures) {
    const bool fraction = figure.first.fraction;
    table.add({figure_name(figure.first), shown(figure.first.value, fraction), shown(figure.second.value, fraction),
               shown(figure.difference, fraction), shown(figure.interval, fraction),
               figure.p_value ? p_value(*figure.p_value) : kAbsent});
  }
  std::string out =
      heading(first + " against " + second + ", " + counted(comparison.examples, "example"), form) + table.text(form);
  for (const std::string& note : comparison.notes) {
    out += (form == TableForm::kMarkdown ? "- " : "note: ") + one_line(note, form) + "\n";
  }
  return out;
}

std::string bench_tables(const BenchReport& report, TableForm form) {
  std::string out = judges_table(report, form) + figures_table(report, form);
  for (const JudgeReport& judge : report.judges) {
    for (const Matrix& matrix : judge.table.matrices) {
      const bool empty = std::none_of(matrix.cells.begin(), matrix.cells.end(),
                                      [](const Figure& cell) { return cell.value.has_value(); });
      if (empty || (form == TableForm::kTerminal && &matrix != &judge.table.matrices.front())) continue;
      out += matrix_table(judge.name, matrix, form);
    }
  }
  if (report.judges.size() > 1) {
    Table table({"against " + report.judges[0].name, "difference", "95 % interval", "p"});
    for (const auto& [second, comparison] : report.comparisons) {
      if (comparison.figures.empty()) continue;
      const ComparedFigure& figure = comparison.figures.front();
      table.add({report.judges[second].name, shown(figure.difference, figure.first.fraction),
                 shown(figure.interval, figure.first.fraction), figure.p_value ? p_value(*figure.p_value) : kAbsent});
    }
    out += heading("how much better " + report.judges[0].name + " is (paired bootstrap)", form) + table.text(form);
  }
  if (report.sweep) {
    out += sweep_table(*report.sweep, form);
  }
  return out + remarks(report, form);
}

}  // namespace endorm
