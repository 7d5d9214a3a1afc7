#include "report/math_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "report/terminal_text.h"

namespace endorm {
namespace {

bool is_overall(const MathFigure& figure) { return figure.subject.empty() && figure.level.empty(); }

// "best@8 by endorm"
std::string way_name(const MathFigure& figure) {
  return figure.metric + (figure.metric.starts_with("avg@") ? " (pass@1)" : "") +
         (figure.judge.empty() ? "" : " by " + figure.judge);
}

const MathComparison* find(const MathReport& report, const MathFigure& figure, const std::string& against) {
  const auto found =
      std::find_if(report.comparisons.begin(), report.comparisons.end(), [&](const MathComparison& comparison) {
        return comparison.judge == figure.judge && comparison.suite == figure.suite &&
               comparison.against.starts_with(against);
      });
  return figure.judge.empty() || found == report.comparisons.end() ? nullptr : &*found;
}

void add_comparison(std::vector<std::string>& row, const MathComparison* comparison) {
  if (comparison == nullptr) {
    row.insert(row.end(), {kAbsentCell, kAbsentCell, kAbsentCell});
    return;
  }
  row.insert(row.end(), {shown_value(comparison->difference, true), shown_value(comparison->interval, true),
                         shown_p_value(comparison->p_value)});
}

// One suite, or the mean of all where the name is empty.
std::string suite_table(const MathReport& report, const std::string& suite, TableForm form) {
  std::vector<std::string> head = {"chosen by", "%", "95 % interval", "n", "ties", "failed"};
  const bool judged = !report.judges.empty() && !report.comparisons.empty();
  if (judged) {
    head.insert(head.end(), {"less avg", "95 % interval", "p", "less maj", "95 % interval", "p"});
  }
  TextTable table(head);
  for (const MathFigure& figure : report.figures) {
    if (figure.suite != suite || !is_overall(figure)) {
      continue;
    }
    std::vector<std::string> row = {
        way_name(figure),         shown_value(figure.value, true), shown_value(figure.interval, true),
        std::to_string(figure.n), std::to_string(figure.ties),     std::to_string(figure.failed)};
    if (judged) {
      add_comparison(row, find(report, figure, "avg"));
      add_comparison(row, find(report, figure, "maj"));
    }
    table.add(std::move(row));
  }
  return table_heading(suite.empty() ? "mean of the suites" : suite, form) + table.text(form);
}

// The figures of a suite by subject or by level; empty where it has none.
std::string groups_table(const MathReport& report, const std::string& suite, bool by_level, TableForm form) {
  const auto group_of = [&](const MathFigure& figure) { return by_level ? figure.level : figure.subject; };
  std::vector<std::string> head = {by_level ? "level" : "subject", "n"};
  std::vector<std::pair<std::string, std::vector<std::string>>> rows;
  for (const MathFigure& figure : report.figures) {
    if (figure.suite != suite || group_of(figure).empty()) {
      continue;
    }
    if (std::find(head.begin(), head.end(), way_name(figure)) == head.end()) {
      head.push_back(way_name(figure));
    }
    auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& one) { return one.first == group_of(figure); });
    if (row == rows.end()) {
      rows.push_back({group_of(figure), {group_of(figure), std::to_string(figure.n)}});
      row = rows.end() - 1;
    }
    row->second.push_back(shown_value(figure.value, true));
  }
  if (rows.empty()) {
    return "";
  }
  TextTable table(head);
  for (auto& [group, cells] : rows) {
    table.add(std::move(cells));
  }
  return table_heading(suite + " by " + head.front(), form) + table.text(form);
}

std::string share(std::size_t part, std::size_t whole) {
  return whole == 0 ? kAbsentCell : fixed_digits(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1);
}

std::string counts_table(const MathReport& report, TableForm form) {
  TextTable table({"suite", "problems", "failed", "samples", "correct %", "wrong %", "unparsable %", "truncated %",
                   "stopped %", "tokens each"});
  for (const MathCounts& counts : report.counts) {
    const double tokens = static_cast<double>(counts.tokens) / static_cast<double>(counts.samples);
    table.add({counts.suite, std::to_string(counts.problems), std::to_string(counts.failed),
               std::to_string(counts.samples), share(counts.correct, counts.samples),
               share(counts.wrong, counts.samples), share(counts.unparsable, counts.samples),
               share(counts.truncated, counts.samples), share(counts.stopped, counts.samples),
               counts.samples == 0 ? kAbsentCell : fixed_digits(tokens, 0)});
  }
  return table_heading("samples", form) + table.text(form);
}

// Why the first problem could not be asked, and the first sample got no reward.
std::string remarks(const MathReport& report, TableForm form) {
  std::string out;
  std::size_t failed = 0;
  const MathRow* first = nullptr;
  for (const MathRow& row : report.rows) {
    if (row.error.empty()) {
      continue;
    }
    ++failed;
    if (first == nullptr) {
      first = &row;
    }
  }
  if (first != nullptr) {
    out += table_note(
        counted(failed, "problem") + " could not be asked; the first, " + first->problem.id + ": " + first->error,
        form);
  }
  for (const MathJudge& judge : report.judges) {
    if (judge.failed == 0) {
      continue;
    }
    std::string why;
    for (const JudgedExample& row : judge.rows) {
      for (const JudgedResponse& response : row.responses) {
        if (!response.reward && why.empty()) {
          why = "; the first, of " + row.id + ": " + response.error;
        }
      }
    }
    out += table_note(
        judge.name + ": no reward for " + counted(judge.failed, "sample") + ", which it therefore never chooses" + why,
        form);
  }
  constexpr std::size_t kMostFaults = 5;
  for (std::size_t i = 0; i < std::min(kMostFaults, report.faults.size()); ++i) {
    const RowFault& fault = report.faults[i];
    out += table_note("left out: " + fault.file + ", row " + std::to_string(fault.row) + ": " + fault.message, form);
  }
  if (report.faults.size() > kMostFaults) {
    out += table_note(counted(report.faults.size() - kMostFaults, "more row") + " left out: see --json.", form);
  }
  return out;
}

}  // namespace

std::string math_tables(const MathReport& report, TableForm form) {
  std::string out;
  if (report.counts.size() > 1) {
    out += suite_table(report, "", form);
  }
  for (const MathCounts& counts : report.counts) {
    out += suite_table(report, counts.suite, form);
    for (const bool by_level : {false, true}) {
      out += groups_table(report, counts.suite, by_level, form);
    }
  }
  return out + counts_table(report, form) + remarks(report, form);
}

}  // namespace endorm
