#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "core/errors.h"
#include "eval/metric_plans.h"

namespace endorm {
namespace {

struct Common {
  std::vector<JudgedExample> first;  // the same examples in the same order
  std::vector<JudgedExample> second;
};

Common common_examples(std::span<const JudgedExample> first, std::span<const JudgedExample> second,
                       JudgeComparison& comparison) {
  std::map<std::string_view, const JudgedExample*> by_id;
  for (const JudgedExample& example : second) {
    by_id.emplace(example.id, &example);
  }
  Common common;
  for (const JudgedExample& example : first) {
    const auto found = by_id.find(example.id);
    if (found == by_id.end()) {
      ++comparison.first_only;
      continue;
    }
    if (found->second->key != example.key) {
      throw InvalidInput("[compare_judges] example \"" + example.id + "\" has the key " + example.key +
                         " in one list and " + found->second->key +
                         " in the other: not the same data. Compare runs over the same files and options.");
    }
    common.first.push_back(example);
    common.second.push_back(*found->second);
  }
  comparison.examples = common.first.size();
  comparison.second_only = second.size() - std::min(second.size(), common.first.size());
  return common;
}

// A verdict's place: example, the name of its cell, and which of that cell's in the example it is.
using Place = std::tuple<std::size_t, std::string, std::size_t>;

std::map<Place, std::size_t> places_of(const Plan& plan) {
  const std::vector<std::string> names = plan.cell_names();
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> counted;
  std::map<Place, std::size_t> places;
  for (std::size_t v = 0; v < plan.verdicts.size(); ++v) {
    const CellVerdict& verdict = plan.verdicts[v];
    const std::size_t ordinal = counted[{verdict.example, verdict.cell}]++;
    places.emplace(Place{verdict.example, names[verdict.cell], ordinal}, v);
  }
  return places;
}

// Verdicts that both gave, as pairs of indices.
std::vector<std::pair<std::size_t, std::size_t>> shared_verdicts(const Plan& first, const Plan& second) {
  const std::map<Place, std::size_t> there = places_of(second);
  std::vector<std::pair<std::size_t, std::size_t>> shared;
  for (const auto& [place, index] : places_of(first)) {
    const auto found = there.find(place);
    if (found != there.end() && first.verdicts[index].credit && second.verdicts[found->second].credit) {
      shared.emplace_back(index, found->second);
    }
  }
  return shared;
}

// A plan of both judges' shared verdicts: the first's cells, then the second's.
Plan both_judges(const Plan& first, const Plan& second, std::span<const std::pair<std::size_t, std::size_t>> shared) {
  Plan both;
  both.strata_are_subsets = first.strata_are_subsets;
  both.ties = first.ties;
  std::set<std::size_t> kept;
  std::set<std::size_t> kept_of_second;
  for (const auto& [mine, theirs] : shared) {
    kept.insert(mine);
    kept_of_second.insert(theirs);
  }
  for (const auto& [plan, verdicts, judge] :
       {std::tuple{&first, &kept, "first\n"}, std::tuple{&second, &kept_of_second, "second\n"}}) {
    const std::size_t before = both.cell_count();
    for (const std::string& name : plan->cell_names()) {
      both.cell(judge + name);
    }
    for (const std::size_t index : *verdicts) {
      both.verdicts.push_back(plan->verdicts[index]);
      both.verdicts.back().cell += before;
    }
  }
  return both;
}

// Of each figure that both have: the first's, the second's, the difference.
std::vector<FigurePlan> shared_figures(const Plan& first, const Plan& second) {
  std::vector<FigurePlan> planned;
  const std::size_t offset = first.cell_count();
  for (const FigurePlan& figure : first.figures) {
    const auto found = std::find_if(second.figures.begin(), second.figures.end(), [&](const FigurePlan& other) {
      return other.name == figure.name && other.group == figure.group && other.variant == figure.variant;
    });
    if (found == second.figures.end() || figure.is_difference) {
      continue;
    }
    FigurePlan theirs = *found;
    for (std::size_t& cell : theirs.cells) {
      cell += offset;
    }
    theirs.formula = [formula = found->formula, offset](const CellSums& sums) { return formula(sums.from(offset)); };
    FigurePlan difference = figure;
    difference.is_difference = true;
    difference.formula = [mine = figure.formula, other = theirs.formula](const CellSums& sums) {
      return mine(sums) - other(sums);
    };
    planned.insert(planned.end(), {figure, std::move(theirs), std::move(difference)});
  }
  return planned;
}

// Right and wrong on the verdicts that the figure rests on.
void count_mcnemar(const Common& common, const Plan& first, const Plan& second, const FigurePlan& figure,
                   std::span<const std::pair<std::size_t, std::size_t>> shared, JudgeComparison& comparison) {
  const std::set<std::size_t> cells(figure.cells.begin(), figure.cells.end());
  std::map<std::string_view, std::size_t> by_group;
  for (const auto& [mine, theirs] : shared) {
    const CellVerdict& verdict = first.verdicts[mine];
    if (!cells.contains(verdict.cell) || !verdict.is_verdict) {
      continue;
    }
    const bool first_right = *verdict.credit == 1.0;
    const bool second_right = *second.verdicts[theirs].credit == 1.0;
    comparison.right_first_only += first_right && !second_right ? 1 : 0;
    comparison.right_second_only += second_right && !first_right ? 1 : 0;
    if (++by_group[common.first[verdict.example].group] > 1) {
      comparison.clustered = true;
    }
  }
  comparison.mcnemar_p_value = mcnemar_p_value(comparison.right_first_only, comparison.right_second_only);
}

}  // namespace

JudgeComparison compare_judges(std::string_view benchmark, std::span<const JudgedExample> first,
                               std::span<const JudgedExample> second, const MetricOptions& options) {
  percentile_interval({}, options.bootstrap.level);
  JudgeComparison comparison;
  comparison.benchmark = benchmark;
  const Common common = common_examples(first, second, comparison);
  const Plan plan = make_plan(benchmark, common.first, options);
  const Plan other = make_plan(benchmark, common.second, options);
  const std::vector<std::pair<std::size_t, std::size_t>> shared = shared_verdicts(plan, other);
  const std::vector<FigurePlan> planned = shared_figures(plan, other);
  const std::vector<Figure> figures =
      compute_figures(both_judges(plan, other, shared), common.first, planned, options.bootstrap);
  for (std::size_t i = 0; i < figures.size(); i += 3) {
    const Figure& difference = figures[i + 2];
    ComparedFigure& compared = comparison.figures.emplace_back(
        ComparedFigure{figures[i], figures[i + 1], difference.value, difference.interval, difference.interval_by,
                       difference.p_value, difference.p_value_by, std::nullopt});
    for (Figure* const own : {&compared.first, &compared.second}) {
      own->interval.reset();
      own->interval_by.clear();
    }
  }
  const auto present = std::find_if(comparison.figures.begin(), comparison.figures.end(),
                                    [](const ComparedFigure& figure) { return figure.difference.has_value(); });
  if (present != comparison.figures.end()) {
    const auto index = static_cast<std::size_t>(present - comparison.figures.begin());
    count_mcnemar(common, plan, other, planned[3 * index], shared, comparison);
    std::rotate(comparison.figures.begin(), present, present + 1);
  }
  comparison.notes = plan.notes;
  for (const std::string& note : other.notes) {
    if (std::find(comparison.notes.begin(), comparison.notes.end(), note) == comparison.notes.end()) {
      comparison.notes.push_back(note);
    }
  }
  return comparison;
}

}  // namespace endorm
