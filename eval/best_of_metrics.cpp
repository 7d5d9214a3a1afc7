// Figures of several responses to a question of which each is right or wrong: what a judge's choice, a random one, the
// vote and the best of some of them give.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "eval/metric_plans.h"

namespace endorm {
namespace {

std::size_t right_count(const JudgedExample& example) {
  return static_cast<std::size_t>(std::count(example.correct.begin(), example.correct.end(), true));
}

Choice random_choice(const JudgedExample& example) {
  return {.credit = static_cast<double>(right_count(example)) / static_cast<double>(example.correct.size())};
}

// Equal chances among the responses at the places that `chosen` tells; wrong where it tells none.
template <typename Chosen>
Choice choice_among(const JudgedExample& example, const Chosen& chosen) {
  std::size_t tied = 0;
  std::size_t right = 0;
  for (std::size_t i = 0; i < example.correct.size(); ++i) {
    if (chosen(i)) {
      ++tied;
      right += example.correct[i] ? 1 : 0;
    }
  }
  return tied == 0 ? Choice{} : Choice{static_cast<double>(right) / static_cast<double>(tied), tied > 1};
}

// The largest class of equal answers, which is as right as its first member. Where nobody votes it is wrong.
Choice vote_choice(const JudgedExample& example) {
  std::map<std::size_t, std::size_t> votes;
  std::size_t most = 0;
  for (const std::optional<std::size_t>& vote : example.vote) {
    if (vote) {
      most = std::max(most, ++votes[*vote]);
    }
  }
  return choice_among(example, [&](std::size_t i) { return votes.contains(i) && votes.at(i) == most; });
}

// How many responses each answered example has; none where that differs.
std::optional<std::size_t> common_count(std::span<const JudgedExample> judged) {
  std::set<std::size_t> counts;
  for (const JudgedExample& example : judged) {
    if (!example.responses.empty()) {
      counts.insert(example.responses.size());
    }
  }
  return counts.size() == 1 ? std::optional(*counts.begin()) : std::nullopt;
}

bool any_of_several(std::span<const JudgedExample> judged) {
  return std::any_of(judged.begin(), judged.end(),
                     [](const JudgedExample& example) { return example.responses.size() > 1; });
}

std::string at(std::optional<std::size_t> count) { return "@" + (count ? std::to_string(*count) : "n"); }

// Labels are known, or the example could not be asked, which every figure counts as failed.
bool is_counted(const JudgedExample& example) { return !example.correct.empty() || example.responses.empty(); }

// A way of choosing a response: its credits are counted in a cell for each subset, subject and level.
class Way {
 public:
  Way(Plan& plan, std::span<const JudgedExample> judged, std::string name, bool is_verdict = true)
      : plan_(plan), judged_(judged), name_(std::move(name)), is_verdict_(is_verdict) {}

  void add(std::size_t example, const std::optional<Choice>& choice) {
    const JudgedExample& own = judged_[example];
    std::string place = name_;
    for (const std::string* part : {&own.subset, &own.subject, &own.level}) {
      place.append("\n").append(*part);
    }
    const std::size_t before = plan_.cell_count();
    const std::size_t cell = plan_.cell(place);
    if (cell == before) {
      cells_.emplace_back(&own, cell);
    }
    plan_.verdicts.push_back({.cell = cell,
                              .example = example,
                              .credit = choice ? std::optional(choice->credit) : std::nullopt,
                              .tie = choice && choice->tie,
                              .is_verdict = is_verdict_});
  }

  // Of the cells that `wanted` names by an example of theirs.
  template <typename Wanted>
  FigurePlan pooled(const std::string& group, const Wanted& wanted) const {
    std::vector<std::size_t> cells;
    for (const auto& [example, cell] : cells_) {
      if (wanted(*example)) {
        cells.push_back(cell);
      }
    }
    return pooled_figure(name_, group, std::move(cells));
  }

  FigurePlan of_subset(const std::string& subset) const {
    return pooled(subset, [&](const JudgedExample& example) { return example.subset == subset; });
  }

  // Of every example: the mean of the subsets, all of them alike, and each subset.
  std::vector<FigurePlan> overall() const {
    std::vector<FigurePlan> subsets;
    for (const std::string& subset : subsets_of(judged_)) {
      subsets.push_back(of_subset(subset));
    }
    if (subsets.size() < 2) {
      return subsets;
    }
    std::vector<FigurePlan> figures = {mean_figure(name_, "mean of subsets", subsets),
                                       pooled("all", [](const JudgedExample&) { return true; })};
    append(figures, subsets);
    return figures;
  }

  // Of each subject and each level of the subsets that have several.
  std::vector<FigurePlan> within_subsets() const {
    std::vector<FigurePlan> figures;
    for (const std::string& subset : subsets_of(judged_)) {
      for (const auto& [field, word] :
           {std::pair{&JudgedExample::subject, ""}, std::pair{&JudgedExample::level, "level "}}) {
        std::set<std::string> groups;
        for (const JudgedExample& example : judged_) {
          if (example.subset == subset) {
            groups.insert(example.*field);
          }
        }
        for (const std::string& group : groups) {
          if (groups.size() > 1 && !group.empty()) {
            std::string name = subset;
            name.append(", ").append(word).append(group);
            figures.push_back(pooled(name, [&, member = field](const JudgedExample& example) {
              return example.subset == subset && example.*member == group;
            }));
          }
        }
      }
    }
    return figures;
  }

  void add_figures() const {
    append(plan_.figures, overall());
    append(plan_.figures, within_subsets());
  }

  // This way less another one of the same examples, which may be chance.
  void add_differences(const Way& other, bool against_chance = false) const {
    std::vector<FigurePlan> figures = overall();
    const std::vector<FigurePlan> others = other.overall();
    for (std::size_t i = 0; i < figures.size(); ++i) {
      figures[i].name += " less " + other.name_;
      figures[i].is_difference = true;
      figures[i].against_chance = against_chance;
      figures[i].formula = [first = figures[i].formula, second = others[i].formula](const CellSums& sums) {
        return first(sums) - second(sums);
      };
      plan_.figures.push_back(std::move(figures[i]));
    }
  }

 private:
  Plan& plan_;
  std::span<const JudgedExample> judged_;
  std::string name_;
  bool is_verdict_;
  std::vector<std::pair<const JudgedExample*, std::size_t>> cells_;  // an example of each, and the cell
};

bool votes_known(std::span<const JudgedExample> judged) {
  return std::all_of(judged.begin(), judged.end(), [](const JudgedExample& example) {
    return example.vote.size() == example.responses.size() || example.correct.empty();
  });
}

}  // namespace

std::optional<Choice> top_choice(const JudgedExample& example) {
  std::optional<double> highest;
  for (const JudgedResponse& response : example.responses) {
    if (response.reward) {
      highest = std::max(highest.value_or(*response.reward), *response.reward);
    }
  }
  if (!highest) {
    return std::nullopt;
  }
  return choice_among(example, [&](std::size_t i) { return example.responses[i].reward == highest; });
}

double pass_at(std::size_t j, std::size_t n, std::size_t c) {
  if (j == 0 || j > n || c > n) {
    throw InvalidInput("[pass_at] pass@" + std::to_string(j) + " of " + std::to_string(n) + " samples with " +
                       std::to_string(c) + " right ones is not defined.");
  }
  if (n - c < j) {
    return 1.0;
  }
  // C(n - c, j) / C(n, j): a product of c factors, none of them large.
  double none = 1.0;
  for (std::size_t i = n - c + 1; i <= n; ++i) {
    none *= 1.0 - static_cast<double>(j) / static_cast<double>(i);
  }
  return 1.0 - none;
}

Plan plan_best_of(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  if (!any_of_several(judged)) {
    return plan;  // there is nothing to choose among
  }
  const std::string of_k = at(common_count(judged));
  Way best(plan, judged, "best" + of_k);
  // Beside the choices what chance and the vote give on the examples where it chose.
  Way random(plan, judged, "avg" + of_k, false);
  Way vote(plan, judged, "maj" + of_k, false);
  const bool with_votes = votes_known(judged);
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (!is_counted(judged[i])) {
      continue;
    }
    const std::optional<Choice> choice = top_choice(judged[i]);
    best.add(i, choice);
    if (choice) {
      random.add(i, random_choice(judged[i]));
      if (with_votes) {
        vote.add(i, vote_choice(judged[i]));
      }
    }
  }
  best.add_figures();
  best.add_differences(random, true);
  if (with_votes) {
    best.add_differences(vote);
  }
  return plan;
}

Plan plan_without_judge(std::span<const JudgedExample> judged, const MetricOptions& /*options*/) {
  Plan plan;
  const std::optional<std::size_t> k = common_count(judged);
  if (!k && !any_of_several(judged)) {
    return plan;  // nothing was answered
  }
  const auto add = [&](const std::string& name, const auto& choice) {
    Way way(plan, judged, name, false);
    for (std::size_t i = 0; i < judged.size(); ++i) {
      if (is_counted(judged[i])) {
        way.add(i, judged[i].responses.empty() ? std::nullopt : std::optional<Choice>(choice(judged[i])));
      }
    }
    way.add_figures();
  };
  add("avg" + at(k), random_choice);
  if (!any_of_several(judged)) {
    return plan;
  }
  if (votes_known(judged)) {
    add("maj" + at(k), vote_choice);
  }
  // 2, 4, 8, ... and k itself: pass@1 is avg@k.
  for (std::size_t j = 2; k && j < *k; j *= 2) {
    add("pass" + at(j), [j](const JudgedExample& example) {
      return Choice{.credit = pass_at(j, example.correct.size(), right_count(example))};
    });
  }
  add("pass" + at(k),
      [](const JudgedExample& example) { return Choice{.credit = right_count(example) > 0 ? 1.0 : 0.0}; });
  return plan;
}

}  // namespace endorm
