// Figures of judges that score the steps of a solution: the first wrong step, or every wrong one.
#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "core/errors.h"
#include "core/listed.h"
#include "eval/metric_plans.h"
#include "eval/step_threshold.h"

namespace endorm {
namespace {

constexpr const char* kChosen = "chosen";  // the variant that did best on the rows that fit the threshold
constexpr const char* kFitted = " (fitted on)";

// Which rows choose the threshold.
struct FitRows {
  enum class Kind { kNone, kSubset, kHalf };
  Kind kind = Kind::kNone;
  std::string subset;
  std::uint64_t seed = 0;

  bool contains(const JudgedExample& example) const {
    if (kind == Kind::kSubset) {
      return example.subset == subset;
    }
    return kind == Kind::kHalf && is_selection_half(example.group, seed);
  }
  std::string name() const { return kind == Kind::kSubset ? subset : "half of the groups"; }
};

FitRows fit_rows(std::span<const JudgedExample> judged, const MetricOptions& options, const std::string& usual,
                 std::vector<std::string>& notes) {
  if (options.threshold) {
    return {};
  }
  const std::string split = options.fit_split.empty() ? usual : options.fit_split;
  FitRows half{.kind = FitRows::Kind::kHalf, .subset = {}, .seed = options.half_seed};
  if (split == "half" || judged.empty()) {
    return half;
  }
  const std::vector<std::string> there = subsets_of(judged);
  if (std::find(there.begin(), there.end(), split) != there.end()) {
    return {.kind = FitRows::Kind::kSubset, .subset = split, .seed = 0};
  }
  if (options.fit_split.empty()) {
    notes.push_back("There are no rows of " + split + " to fit a threshold on: half of the groups fit it.");
    return half;
  }
  throw InvalidInput("[measure] fit_split is \"" + split + "\", which no example has. Choose one of: half, " +
                     listed(there) + ".");
}

std::vector<std::string> variants_of(std::span<const JudgedExample> judged) {
  std::set<std::string> variants;
  for (const JudgedExample& example : judged) {
    for (const JudgedResponse& response : example.responses) {
      for (const auto& [variant, scores] : response.step_scores) {
        variants.insert(variant);
      }
    }
  }
  return {variants.begin(), variants.end()};
}

// The scores of one variant; null where the judge gave none.
const std::vector<double>* scores_of(const JudgedExample& example, const std::string& variant) {
  if (example.responses.empty()) {
    return nullptr;
  }
  const auto found = example.responses.front().step_scores.find(variant);
  return found == example.responses.front().step_scores.end() ? nullptr : &found->second;
}

// A name in the figures, the scores that it stands for and their threshold.
struct Variant {
  std::string name;
  std::string scores;
  std::optional<double> threshold;
};

using Fit = std::optional<FittedThreshold> (*)(std::span<const ScoredSteps> rows);

std::string shown(double number) {
  std::ostringstream text;
  text.precision(6);
  text << number;
  return text.str();
}

// Every variant with its threshold; the one that fits best comes first, once more, as "chosen".
std::vector<Variant> fitted_variants(std::span<const JudgedExample> judged, const MetricOptions& options,
                                     const FitRows& fit, Fit fit_threshold, std::vector<std::string>& notes) {
  std::vector<Variant> variants;
  std::optional<double> best;
  Variant chosen;
  for (const std::string& name : variants_of(judged)) {
    Variant variant{.name = name, .scores = name, .threshold = options.threshold};
    if (options.threshold) {
      if (variants.empty() || name == "mean") {
        chosen = variant;
      }
    } else {
      std::vector<ScoredSteps> rows;
      for (const JudgedExample& example : judged) {
        const std::vector<double>* scores = scores_of(example, name);
        if (scores != nullptr && example.steps && fit.contains(example)) {
          rows.push_back({.scores = *scores, .label = &*example.steps});
        }
      }
      if (const std::optional<FittedThreshold> fitted = fit_threshold(rows)) {
        variant.threshold = fitted->threshold;
        if (!best || fitted->value > *best) {
          best = fitted->value;
          chosen = variant;
        }
      }
    }
    variants.push_back(variant);
  }
  if (chosen.name.empty()) {
    notes.emplace_back("No threshold: the rows that should fit it lack step scores, errors, or rows without one.");
    return variants;
  }
  notes.push_back(options.threshold
                      ? "A step below " + shown(*options.threshold) +
                            " is wrong, as was asked; \"chosen\" is the variant \"" + chosen.name + "\"."
                      : "\"chosen\" is the variant \"" + chosen.name + "\" with threshold " + shown(*chosen.threshold) +
                            ": the best on " + fit.name() + ", which is reported apart and in no other figure.");
  chosen.name = kChosen;
  variants.insert(variants.begin(), chosen);
  return variants;
}

std::string place_of(const JudgedExample& example, const FitRows& fit) {
  return example.subset + (fit.contains(example) ? kFitted : "");
}

// Places in the order of their first examples; reported ones, or those that fit the threshold.
std::vector<std::string> places_of(std::span<const JudgedExample> judged, const FitRows& fit, bool fitted) {
  std::vector<std::string> places;
  for (const JudgedExample& example : judged) {
    const std::string place = place_of(example, fit);
    if (fit.contains(example) == fitted && std::find(places.begin(), places.end(), place) == places.end()) {
      places.push_back(place);
    }
  }
  return places;
}

std::string cell_name(const std::string& variant, const std::string& place, const char* kind) {
  return variant + "\n" + place + "\n" + kind;
}

std::vector<std::size_t> cells_of(Plan& plan, const std::string& variant, const std::vector<std::string>& places,
                                  const char* kind) {
  std::vector<std::size_t> cells;
  cells.reserve(places.size());
  for (const std::string& place : places) {
    cells.push_back(plan.cell(cell_name(variant, place, kind)));
  }
  return cells;
}

std::vector<FigurePlan> of_variant(const std::string& variant, std::vector<FigurePlan> figures) {
  for (FigurePlan& figure : figures) {
    figure.variant = variant;
  }
  return figures;
}

void add_first_error_verdicts(Plan& plan, std::span<const JudgedExample> judged, const FitRows& fit,
                              const Variant& variant) {
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (!judged[i].steps) {
      continue;
    }
    const std::optional<std::size_t>& known = judged[i].steps->first_error;
    const char* kind = known ? "erroneous" : "correct";
    CellVerdict verdict{
        .cell = plan.cell(cell_name(variant.name, place_of(judged[i], fit), kind)), .example = i, .credit = {}};
    const std::vector<double>* scores = scores_of(judged[i], variant.scores);
    if (scores != nullptr && variant.threshold) {
      verdict.credit = first_below(*scores, *variant.threshold) == known ? 1.0 : 0.0;
    }
    plan.verdicts.push_back(verdict);
  }
}

// "F1", and the shares that it is made of, of rows in these places together.
std::vector<FigurePlan> first_error_figures(Plan& plan, const std::string& variant, const std::string& group,
                                            const std::vector<std::string>& places) {
  FigurePlan found = pooled_figure("erroneous rows right", group, cells_of(plan, variant, places, "erroneous"));
  FigurePlan kept = pooled_figure("correct rows right", group, cells_of(plan, variant, places, "correct"));
  FigurePlan f1 = mean_figure("F1", group, {found, kept});
  f1.is_mean = false;
  f1.formula = [first = found.formula, second = kept.formula](const CellSums& sums) {
    return harmonic_mean(first(sums), second(sums));
  };
  return of_variant(variant, {f1, found, kept});
}

Plan plan_first_error(std::span<const JudgedExample> judged, const MetricOptions& options, const std::string& usual,
                      bool mean_of_splits) {
  Plan plan;
  const FitRows fit = fit_rows(judged, options, usual, plan.notes);
  const std::vector<std::string> reported = places_of(judged, fit, false);
  const std::vector<std::string> fitted = places_of(judged, fit, true);
  for (const Variant& variant : fitted_variants(judged, options, fit, fit_first_error, plan.notes)) {
    add_first_error_verdicts(plan, judged, fit, variant);
    std::vector<FigurePlan> splits;
    std::vector<FigurePlan> by_place;
    for (const std::string& place : reported) {
      const std::vector<FigurePlan> figures = first_error_figures(plan, variant.name, place, {place});
      splits.push_back(figures.front());
      append(by_place, figures);
    }
    const std::vector<FigurePlan> together = first_error_figures(plan, variant.name, "all", reported);
    if (mean_of_splits) {
      plan.figures.push_back(mean_figure("F1", "mean of splits", splits));
      plan.figures.back().variant = variant.name;
    } else {
      append(plan.figures, together);
    }
    if (mean_of_splits || reported.size() > 1) {
      append(plan.figures, by_place);
    }
    for (const std::string& place : fitted) {
      plan.figures.push_back(first_error_figures(plan, variant.name, place, {place}).front());
    }
  }
  return plan;
}

void add_step_verdicts(Plan& plan, std::span<const JudgedExample> judged, const FitRows& fit, const Variant& variant) {
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (!judged[i].steps || !judged[i].steps->wrong) {
      continue;
    }
    const std::vector<bool>& wrong = *judged[i].steps->wrong;
    const std::vector<double>* scores = scores_of(judged[i], variant.scores);
    const std::string place = place_of(judged[i], fit);
    for (std::size_t s = 0; s < wrong.size(); ++s) {
      CellVerdict verdict{
          .cell = plan.cell(cell_name(variant.name, place, wrong[s] ? "wrong" : "right")), .example = i, .credit = {}};
      if (scores != nullptr && variant.threshold) {
        verdict.credit = ((*scores)[s] < *variant.threshold) == wrong[s] ? 1.0 : 0.0;
      }
      plan.verdicts.push_back(verdict);
    }
  }
}

// PRMScore, its parts and the accuracy of steps in these places together.
std::vector<FigurePlan> step_figures(Plan& plan, const std::string& variant, const std::string& group,
                                     const std::vector<std::string>& places) {
  const std::vector<std::size_t> right = cells_of(plan, variant, places, "right");
  const std::vector<std::size_t> wrong = cells_of(plan, variant, places, "wrong");
  std::vector<std::size_t> cells = right;
  cells.insert(cells.end(), wrong.begin(), wrong.end());
  struct Counts {
    double right_kept = 0.0;
    double right = 0.0;
    double wrong_found = 0.0;
    double wrong = 0.0;
  };
  const auto scored = [&](const char* name, double (*score)(const Counts& counts)) {
    FigurePlan figure = pooled_figure(name, group, cells);
    figure.is_mean = false;
    figure.formula = [right, wrong, score](const CellSums& sums) {
      Counts counts;
      for (const std::size_t cell : right) {
        counts.right_kept += sums.credit(cell);
        counts.right += sums.number(cell);
      }
      for (const std::size_t cell : wrong) {
        counts.wrong_found += sums.credit(cell);
        counts.wrong += sums.number(cell);
      }
      return score(counts);
    };
    return figure;
  };
  return of_variant(
      variant,
      {scored("PRMScore", [](const Counts& c) { return prm_score(c.right_kept, c.right, c.wrong_found, c.wrong); }),
       scored("F1 of right steps",
              [](const Counts& c) {
                return c.right > 0.0 ? class_f1(c.right_kept, c.right, c.wrong - c.wrong_found) : std::nan("");
              }),
       scored("F1 of wrong steps",
              [](const Counts& c) {
                return c.wrong > 0.0 ? class_f1(c.wrong_found, c.wrong, c.right - c.right_kept) : std::nan("");
              }),
       pooled_figure("accuracy of steps", group, cells)});
}

}  // namespace

Plan plan_process_bench(std::span<const JudgedExample> judged, const MetricOptions& options) {
  return plan_first_error(judged, options, "gsm8k", true);
}

Plan plan_steps(std::span<const JudgedExample> judged, const MetricOptions& options) {
  return plan_first_error(judged, options, "half", false);
}

Plan plan_prm_bench(std::span<const JudgedExample> judged, const MetricOptions& options) {
  Plan plan;
  plan.strata_are_subsets = false;  // modifications of one solution stand in several subsets
  const FitRows fit = fit_rows(judged, options, "half", plan.notes);
  const std::vector<std::string> reported = places_of(judged, fit, false);
  const std::vector<std::string> fitted = places_of(judged, fit, true);
  std::vector<std::string> modified;  // the published score leaves the unmodified solutions out
  std::copy_if(reported.begin(), reported.end(), std::back_inserter(modified),
               [](const std::string& place) { return place != "correct"; });
  for (const Variant& variant : fitted_variants(judged, options, fit, fit_every_step, plan.notes)) {
    add_step_verdicts(plan, judged, fit, variant);
    append(plan.figures, step_figures(plan, variant.name, "all", modified));
    for (const std::string& place : reported) {
      append(plan.figures, step_figures(plan, variant.name, place, {place}));
    }
    if (!fitted.empty()) {
      plan.figures.push_back(step_figures(plan, variant.name, std::string("all") + kFitted, fitted).front());
    }
  }
  return plan;
}

}  // namespace endorm
