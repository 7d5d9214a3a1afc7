#include "report/score_comparison_table.h"

#include <algorithm>

namespace endorm {
namespace {

bool labelled(const ScoreComparison& comparison) {
  return std::any_of(comparison.files.begin(), comparison.files.end(),
                     [](const ScoreSummary& file) { return file.pairs > 0; });
}

// One row: of a pair's label only where there are labels.
std::vector<std::string> row_of(std::vector<std::string> cells, const std::vector<std::string>& of_labels,
                                std::vector<std::string> others, bool with_labels) {
  if (with_labels) {
    cells.insert(cells.end(), of_labels.begin(), of_labels.end());
  }
  cells.insert(cells.end(), others.begin(), others.end());
  return cells;
}

std::string files_table(std::span<const std::string> names, const ScoreComparison& comparison, TableForm form) {
  const bool labels = labelled(comparison);
  TextTable table(row_of({"result"}, {"% right", "95 % interval", "pairs", "ties"},
                         {"mean margin", "records", "not scored"}, labels));
  for (std::size_t i = 0; i < comparison.files.size(); ++i) {
    const ScoreSummary& file = comparison.files[i];
    table.add(row_of(
        {names[i]},
        {shown_value(file.accuracy, true), shown_value(file.interval, true), std::to_string(file.pairs),
         std::to_string(file.ties)},
        {shown_value(file.mean_margin, false), std::to_string(file.records), std::to_string(file.unscored)}, labels));
  }
  return table_heading(labels ? "the chosen response has the higher reward" : "rewards", form) + table.text(form);
}

std::string agreements_table(std::span<const std::string> names, const ScoreComparison& comparison, TableForm form) {
  const bool labels = labelled(comparison);
  const std::vector<std::string> tested = {"first alone right", "second alone right",
                                           comparison.agreements.size() > 1 ? "p (Holm)" : "p"};
  TextTable table(row_of({"every two", "records", "% same best", "tau"}, tested, {}, labels));
  for (const ScoreAgreement& agreement : comparison.agreements) {
    table.add(row_of({names[agreement.first] + ", " + names[agreement.second], std::to_string(agreement.records),
                      shown_value(agreement.same_best, true), shown_value(agreement.kendall, false)},
                     {std::to_string(agreement.right_first_only), std::to_string(agreement.right_second_only),
                      shown_p_value(agreement.holm_p_value)},
                     {}, labels));
  }
  return table_heading("agreement", form) + table.text(form);
}

}  // namespace

std::string score_comparison_table(std::span<const std::string> names, const ScoreComparison& comparison,
                                   TableForm form) {
  return files_table(names, comparison, form) + agreements_table(names, comparison, form) +
         table_note(
             "A margin (chosen less rejected, or best less worst) is in the scale of its own model: no model is "
             "better for a larger one.",
             form) +
         table_note("tau is Kendall's tau-b of a record's responses, the mean of all records" +
                        std::string(labelled(comparison) ? "; p is of the exact McNemar test, in which every record "
                                                           "counts as independent."
                                                         : "."),
                    form);
}

}  // namespace endorm
