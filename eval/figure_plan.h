#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/judged.h"
#include "eval/metrics.h"

namespace endorm {

// A judge's verdict on one question, counted in one cell: a cell is what can be averaged as it is, such as RM-Bench's
// chosen 0 against rejected 2 in the domain chat.
struct CellVerdict {
  std::size_t cell = 0;
  std::size_t example = 0;       // index into the judged examples
  std::optional<double> credit;  // 1 right, 0 wrong, or a part of 1; absent: failed
  bool tie = false;
  bool is_pair = false;    // a tie counts by Plan::ties
  bool is_verdict = true;  // false: a number that is averaged beside the verdicts, which is neither right nor wrong
};

// What the verdicts of each cell add up to. sums [2 * cells]: credit and number, cell by cell.
class CellSums {
 public:
  explicit CellSums(std::span<const double> sums) : sums_(sums) {}
  double credit(std::size_t cell) const { return sums_[2 * cell]; }
  double number(std::size_t cell) const { return sums_[2 * cell + 1]; }
  CellSums from(std::size_t cell) const { return CellSums(sums_.subspan(2 * cell)); }

 private:
  std::span<const double> sums_;
};

// A figure's value of the sums; NaN where a part of it has no verdicts.
using Formula = std::function<double(const CellSums& sums)>;

// A figure to be computed: its value, and the cells that it rests on.
struct FigurePlan {
  std::string name;
  std::string group;
  std::string variant;
  bool fraction = true;
  bool is_difference = false;  // Figure::p_value is wanted
  // Of a difference: the credits that are taken away are the chances to be right of a random choice.
  bool against_chance = false;
  // The value is a mean of credits, or the difference of two: each credit has a weight that the numbers of the cells
  // fix.
  bool is_mean = false;
  std::vector<std::size_t> cells = {};
  Formula formula = {};
};

struct MatrixPlan {
  std::string name;
  std::string group;
  std::string row;
  std::string column;
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<FigurePlan> cells;  // [rows, columns]
};

// A benchmark's figures for one judge: verdicts, and what is made of them.
class Plan {
 public:
  // The index of the cell of this name, a new one where there is none.
  std::size_t cell(const std::string& name);
  std::size_t cell_count() const { return cells_.size(); }
  std::vector<std::string> cell_names() const;  // by index

  std::vector<CellVerdict> verdicts;
  std::vector<FigurePlan> figures;  // the official one first
  std::vector<MatrixPlan> matrices;
  std::vector<std::string> notes;
  bool strata_are_subsets = true;  // a resample keeps the number of groups of each subset
  TieRule ties = TieRule::kWrong;  // of the pairs among the verdicts

  // Tied pairs count so from here on. Not kOwn.
  void count_ties(TieRule rule);

 private:
  std::map<std::string, std::size_t> cells_;
};

// Credit over number, all cells together.
FigurePlan pooled_figure(std::string name, std::string group, std::vector<std::size_t> cells);
// sum of weight * part / sum of weights; absent where a part is. Rests on the cells of all parts.
FigurePlan weighted_figure(std::string name, std::string group, const std::vector<FigurePlan>& parts,
                           std::vector<double> weights);
FigurePlan mean_figure(std::string name, std::string group, const std::vector<FigurePlan>& parts);

void append(std::vector<FigurePlan>& figures, const std::vector<FigurePlan>& more);

// Adds a verdict on each comparison to the cell that cell_name gives.
void add_comparisons(Plan& plan, std::span<const JudgedExample> judged,
                     const std::function<std::string(const JudgedExample&, const Comparison&)>& cell_name);

// Subsets in the order of their first examples.
std::vector<std::string> subsets_of(std::span<const JudgedExample> judged);

// A comparison's verdict counts in the cell of its subset; an accuracy of each.
std::vector<FigurePlan> accuracies_by_subset(Plan& plan, std::span<const JudgedExample> judged);
// Every verdict of the parts alike.
FigurePlan pooled_over(const std::vector<FigurePlan>& parts, std::string name = "accuracy", std::string group = "all");

// Notes the subsets that a benchmark has and these examples lack, if any, and what follows from it.
void note_missing(Plan& plan, std::span<const JudgedExample> judged, std::span<const std::string_view> wanted,
                  const std::string& consequence);

// Planned figures, each with its interval: the bootstrap's where at least kFewGroups groups decide, else Wilson's of as
// many trials as the group with the most weight allows, of a mean of shares alone.
std::vector<Figure> compute_figures(const Plan& plan, std::span<const JudgedExample> judged,
                                    std::span<const FigurePlan> planned, const BootstrapOptions& options);

// The figures, by the verdicts of the plan and a bootstrap of the judged examples' groups.
MetricTable compute(const Plan& plan, std::span<const JudgedExample> judged, const BootstrapOptions& options);

}  // namespace endorm
