#include "report/bench_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/terminal_text.h"

namespace endorm {
namespace {

std::string correlation(const std::optional<double>& value) { return value ? fixed_digits(*value, 2) : kAbsentCell; }

std::string figure_name(const Figure& figure) {
  std::string name = figure.name;
  if (!figure.group.empty()) {
    name += ", " + figure.group;
  }
  if (!figure.variant.empty()) {
    name += " (" + figure.variant + ")";
  }
  return name;
}

// The first figure of the first judge; where there is none, of the responses.
const Figure* quoted_figure(const BenchReport& report) {
  if (!report.judges.empty() && !report.judges.front().table.figures.empty()) {
    return &report.judges.front().table.figures.front();
  }
  return report.responses && !report.responses->table.figures.empty() ? &report.responses->table.figures.front()
                                                                      : nullptr;
}

std::string judges_table(const BenchReport& report, TableForm form) {
  TextTable table({"judge", "%", "95 % interval", "n", "ties", "failed", "unparsed", "with length"});
  for (const JudgeReport& judge : report.judges) {
    if (judge.table.figures.empty()) {
      continue;
    }
    const Figure& figure = judge.table.figures.front();
    const std::optional<double> length =
        judge.length_correlations.empty() ? std::nullopt : judge.length_correlations.front().spearman_within;
    table.add({judge.name, shown_value(figure.value, figure.fraction), shown_value(figure.interval, figure.fraction),
               std::to_string(figure.n), std::to_string(figure.ties), std::to_string(figure.failed),
               std::to_string(judge.counts.unparsed), correlation(length)});
  }
  const Figure* const quoted = quoted_figure(report);
  if (report.responses && quoted != nullptr) {
    for (const Figure& figure : report.responses->table.figures) {
      if (figure.group == quoted->group) {
        table.add({"no judge: " + figure.name, shown_value(figure.value, figure.fraction),
                   shown_value(figure.interval, figure.fraction), std::to_string(figure.n), std::to_string(figure.ties),
                   std::to_string(figure.failed), kAbsentCell, kAbsentCell});
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
  for (const Figure* figure : figures) {
    std::vector<std::string> row = {figure_name(*figure), std::to_string(figure->n)};
    bool anybody = false;
    for (const MetricTable* column : columns) {
      const Figure* own = find(*column, *figure);
      row.push_back(own == nullptr ? kAbsentCell : shown_value(own->value, own->fraction));
      anybody = anybody || (own != nullptr && own->value);
    }
    if (anybody) {  // else a part of the benchmark that is not there: a note says so
      table.add(std::move(row));
    }
  }
  return table_heading("every figure", form) + table.text(form);
}

std::string matrix_table(const std::string& judge, const Matrix& matrix, TableForm form) {
  std::vector<std::string> head = {matrix.row + " \\ " + matrix.column};
  head.insert(head.end(), matrix.columns.begin(), matrix.columns.end());
  TextTable table(head);
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
    std::vector<std::string> row = {matrix.rows[i]};
    for (std::size_t j = 0; j < matrix.columns.size(); ++j) {
      const Figure& cell = matrix.cells[i * matrix.columns.size() + j];
      row.push_back(shown_value(cell.value, cell.fraction));
    }
    table.add(std::move(row));
  }
  return table_heading(judge + ": " + matrix.name + (matrix.group.empty() ? "" : ", " + matrix.group), form) +
         table.text(form);
}

std::string sweep_table(const SweepReport& sweep, TableForm form) {
  TextTable table({"setting", "on the half that chooses", "on the other half", "95 % interval"});
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
    table.add({name, shown_value(row.selection, row.reporting.fraction),
               shown_value(row.reporting.value, row.reporting.fraction),
               shown_value(row.reporting.interval, row.reporting.fraction)});
  }
  return table_heading("sweep: " + sweep.figure, form) + table.text(form);
}

// What each judge's choice is ahead of other ways of choosing on the same questions.
std::string differences_table(const BenchReport& report, TableForm form) {
  TextTable table({"judge and figure", "difference", "95 % interval", "p", "n"});
  bool any = false;
  for (const JudgeReport& judge : report.judges) {
    for (const Figure& figure : judge.table.figures) {
      if (figure.p_value) {
        any = true;
        table.add({judge.name + ": " + figure_name(figure), shown_value(figure.value, figure.fraction),
                   shown_value(figure.interval, figure.fraction), shown_p_value(figure.p_value),
                   std::to_string(figure.n)});
      }
    }
  }
  return any ? table_heading("choices against chance and the vote (paired bootstrap)", form) + table.text(form) : "";
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

std::string comparison_table(const std::string& first, const std::string& second, const JudgeComparison& comparison,
                             TableForm form) {
  TextTable table({"figure", first, second, "difference", "95 % interval", "p"});
  for (const ComparedFigure& figure : comparison.figures) {
    const bool fraction = figure.first.fraction;
    table.add({figure_name(figure.first), shown_value(figure.first.value, fraction),
               shown_value(figure.second.value, fraction), shown_value(figure.difference, fraction),
               shown_value(figure.interval, fraction), shown_p_value(figure.p_value)});
  }
  std::string out = table_heading(first + " against " + second + ", " + counted(comparison.examples, "example"), form) +
                    table.text(form);
  for (const std::string& note : comparison.notes) {
    out += table_note(note, form);
  }
  return out;
}

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
  if (report.judges.size() > 1) {
    TextTable table({"against " + report.judges[0].name, "difference", "95 % interval", "p"});
    for (const auto& [second, comparison] : report.comparisons) {
      if (comparison.figures.empty()) {
        continue;
      }
      const ComparedFigure& figure = comparison.figures.front();
      table.add({report.judges[second].name, shown_value(figure.difference, figure.first.fraction),
                 shown_value(figure.interval, figure.first.fraction), shown_p_value(figure.p_value)});
    }
    out +=
        table_heading("how much better " + report.judges[0].name + " is (paired bootstrap)", form) + table.text(form);
  }
  if (report.sweep) {
    out += sweep_table(*report.sweep, form);
  }
  return out + remarks(report, form);
}

}  // namespace endorm
