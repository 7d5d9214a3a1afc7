#include "report/comparison_tables.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "report/terminal_text.h"

namespace endorm {
namespace {

// The p-value to quote: corrected where it stands beside those of other judges.
const std::optional<double>& quoted_p_value(const auto& figure) {
  return figure.holm_p_value ? figure.holm_p_value : figure.p_value;
}

// By what the p-values of a table were computed.
class PValueTests {
 public:
  void add(const auto& figure) {
    by_bootstrap_ = by_bootstrap_ || figure.p_value_by == "bootstrap";
    exact_ = exact_ || figure.p_value_by == "exact";
  }
  std::string words() const {
    if (by_bootstrap_) {
      return exact_ ? " (paired bootstrap, exact test of few groups)" : " (paired bootstrap)";
    }
    return exact_ ? " (exact test)" : "";
  }

 private:
  bool by_bootstrap_ = false;
  bool exact_ = false;
};

bool has_few(const JudgeComparison& comparison) {
  return std::any_of(comparison.figures.begin(), comparison.figures.end(),
                     [](const ComparedFigure& figure) { return figure.p_value_by == "exact"; });
}

std::string p_value_head(std::size_t judges) { return judges > 1 ? "p (Holm)" : "p"; }

}  // namespace

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

std::string comparison_table(const std::string& first, const std::string& second, const JudgeComparison& comparison,
                             TableForm form) {
  PValueTests tests;
  for (const ComparedFigure& figure : comparison.figures) {
    tests.add(figure);
  }
  TextTable table({"figure", first, second, "difference", "95 % interval", "p", "n"});
  for (const ComparedFigure& figure : comparison.figures) {
    const bool fraction = figure.first.fraction;
    table.add({figure_name(figure.first), shown_value(figure.first.value, fraction),
               shown_value(figure.second.value, fraction), shown_value(figure.difference, fraction),
               shown_value(figure.interval, fraction), shown_p_value(figure.p_value), std::to_string(figure.first.n)});
  }
  std::string out =
      table_heading(first + " against " + second + ", " + counted(comparison.examples, "example") + tests.words(),
                    form) +
      table.text(form);
  if (has_few(comparison)) {
    out += table_note(few_groups_sentence(), form);
  }
  for (const std::string& note : comparison.notes) {
    out += table_note(note, form);
  }
  return out;
}

std::string against_table(const BenchReport& report, TableForm form) {
  if (report.judges.size() < 2) {
    return "";
  }
  const std::string& first = report.judges.front().name;
  PValueTests tests;
  TextTable table({"against " + first, "difference", "95 % interval", p_value_head(report.comparisons.size()), "n"});
  for (const auto& [second, comparison] : report.comparisons) {
    if (comparison.figures.empty()) {
      continue;
    }
    const ComparedFigure& figure = comparison.figures.front();
    tests.add(figure);
    table.add({report.judges[second].name, shown_value(figure.difference, figure.first.fraction),
               shown_value(figure.interval, figure.first.fraction), shown_p_value(quoted_p_value(figure)),
               std::to_string(figure.first.n)});
  }
  return table_heading("how much better " + first + " is" + tests.words(), form) + table.text(form);
}

std::string differences_table(const BenchReport& report, TableForm form) {
  PValueTests tests;
  for (const JudgeReport& judge : report.judges) {
    for (const Figure& figure : judge.table.figures) {
      tests.add(figure);
    }
  }
  TextTable table({"judge and figure", "difference", "95 % interval", p_value_head(report.judges.size()), "n"});
  bool any = false;
  for (const JudgeReport& judge : report.judges) {
    for (const Figure& figure : judge.table.figures) {
      if (figure.p_value) {
        any = true;
        table.add({judge.name + ": " + figure_name(figure), shown_value(figure.value, figure.fraction),
                   shown_value(figure.interval, figure.fraction), shown_p_value(quoted_p_value(figure)),
                   std::to_string(figure.n)});
      }
    }
  }
  return any ? table_heading("choices against chance and the vote" + tests.words(), form) + table.text(form) : "";
}

bool any_of_few_groups(const BenchReport& report) {
  const auto few = [](const Figure& figure) { return figure.interval_by == "wilson" || figure.p_value_by == "exact"; };
  std::vector<const std::vector<Figure>*> tables;
  for (const JudgeReport& judge : report.judges) {
    tables.push_back(&judge.table.figures);
  }
  if (report.responses) {
    tables.push_back(&report.responses->table.figures);
  }
  const bool compared = std::any_of(report.comparisons.begin(), report.comparisons.end(),
                                    [](const auto& own) { return has_few(own.second); });
  return compared || std::any_of(tables.begin(), tables.end(), [&](const std::vector<Figure>* figures) {
           return std::any_of(figures->begin(), figures->end(), few);
         });
}

std::string few_groups_sentence() {
  return "Where fewer than " + std::to_string(kFewGroups) +
         " prompts decide a figure, or all its verdicts are alike, its interval is Wilson's. Where fewer decide a "
         "difference, its p-value is exact, and it has no interval.";
}

}  // namespace endorm
