// Figures of samples: what a random one, the vote, a judge's choice and the best of them give.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "core/errors.h"
#include "eval/figure_plan.h"
#include "eval/math_report.h"

namespace endorm {
namespace {

// A way of choosing among the samples, with its verdicts' cells: one for each suite, subject and level.
struct Metric {
  struct Cell {
    std::string suite;
    std::string subject;
    std::string level;
    std::size_t cell = 0;
  };
  std::string name;
  std::string judge;
  std::vector<Cell> cells;
};

// Where a figure or a comparison comes from in the plan.
struct Planned {
  MathFigure figure;
  FigurePlan plan;
};

class MathPlan {
 public:
  explicit MathPlan(std::span<const MathRow> rows) {
    for (const MathRow& row : rows) {
      const MathProblem& problem = row.problem;
      JudgedExample& unit = units_.emplace_back();
      unit.id = problem.id;
      unit.group = problem.id;
      unit.subset = problem.suite;
      problems_.push_back(&problem);
      if (std::find(suites_.begin(), suites_.end(), problem.suite) == suites_.end()) {
        suites_.push_back(problem.suite);
      }
    }
  }

  std::size_t metric(std::string name, std::string judge = {}) {
    metrics_.push_back({std::move(name), std::move(judge), {}});
    return metrics_.size() - 1;
  }

  void add(std::size_t metric, std::size_t row, std::optional<double> credit, bool tie = false) {
    const MathProblem& problem = *problems_[row];
    const std::string name =
        std::to_string(metric) + "\n" + problem.suite + "\n" + problem.subject + "\n" + problem.level;
    const std::size_t before = plan_.cell_count();
    const std::size_t cell = plan_.cell(name);
    if (cell == before) {
      metrics_[metric].cells.push_back({problem.suite, problem.subject, problem.level, cell});
    }
    plan_.verdicts.push_back({.cell = cell, .example = row, .credit = credit, .tie = tie});
  }

  // Figures of a metric: the mean of the suites, each suite, its subjects and its levels.
  std::vector<Planned> figures(std::size_t metric) const {
    std::vector<Planned> planned;
    if (suites_.size() > 1) {
      planned.push_back(of_suites(metric));
    }
    for (const std::string& suite : suites_) {
      planned.push_back(of_group(metric, {suite, "", "", 0}));
      for (const bool by_level : {false, true}) {
        std::vector<std::string> groups;
        for (const MathProblem* problem : problems_) {
          const std::string& group = by_level ? problem->level : problem->subject;
          if (problem->suite == suite && std::find(groups.begin(), groups.end(), group) == groups.end()) {
            groups.push_back(group);
          }
        }
        if (groups.size() < 2) {
          continue;
        }
        std::sort(groups.begin(), groups.end());
        for (const std::string& group : groups) {
          planned.push_back(of_group(metric, {suite, by_level ? "" : group, by_level ? group : "", 0}));
        }
      }
    }
    return planned;
  }

  // The first metric less the second: the mean of the suites and each suite. Both must be of the same problems.
  std::vector<Planned> differences(std::size_t first, std::size_t second) const {
    std::vector<Planned> planned;
    for (std::size_t i = suites_.size() > 1 ? 0 : 1; i <= suites_.size(); ++i) {
      Planned one = i == 0 ? of_suites(first) : of_group(first, {suites_[i - 1], "", "", 0});
      const Planned other = i == 0 ? of_suites(second) : of_group(second, {suites_[i - 1], "", "", 0});
      one.plan.formula = [a = one.plan.formula, b = other.plan.formula](const CellSums& sums) {
        return a(sums) - b(sums);
      };
      planned.push_back(std::move(one));
    }
    return planned;
  }

  const Plan& plan() const { return plan_; }
  std::span<const JudgedExample> units() const { return units_; }

 private:
  Planned of_group(std::size_t metric, const Metric::Cell& group) const {
    const Metric& own = metrics_[metric];
    std::vector<std::size_t> cells;
    for (const Metric::Cell& cell : own.cells) {
      if (cell.suite == group.suite && (group.subject.empty() || cell.subject == group.subject) &&
          (group.level.empty() || cell.level == group.level)) {
        cells.push_back(cell.cell);
      }
    }
    Planned planned;
    planned.figure.metric = own.name;
    planned.figure.judge = own.judge;
    planned.figure.suite = group.suite;
    planned.figure.subject = group.subject;
    planned.figure.level = group.level;
    planned.plan = pooled_figure(own.name, group.suite, std::move(cells));
    return planned;
  }

  Planned of_suites(std::size_t metric) const {
    std::vector<FigurePlan> parts;
    for (const std::string& suite : suites_) {
      parts.push_back(of_group(metric, {suite, "", "", 0}).plan);
    }
    Planned planned;
    planned.figure.metric = metrics_[metric].name;
    planned.figure.judge = metrics_[metric].judge;
    planned.plan = mean_figure(metrics_[metric].name, "", parts);
    return planned;
  }

  Plan plan_;
  std::vector<JudgedExample> units_;
  std::vector<const MathProblem*> problems_;
  std::vector<std::string> suites_;
  std::vector<Metric> metrics_;
};

std::size_t correct_count(const MathRow& row) {
  return static_cast<std::size_t>(std::count_if(row.samples.begin(), row.samples.end(), [](const MathSample& sample) {
    return sample.verdict == Verdict::kCorrect;
  }));
}

// The share of right ones among the samples with the highest reward; none where no sample has one.
std::optional<VoteResult> best_result(const JudgedExample& judged) {
  std::optional<double> highest;
  for (const JudgedResponse& response : judged.responses) {
    if (response.reward) {
      highest = std::max(highest.value_or(*response.reward), *response.reward);
    }
  }
  if (!highest) {
    return std::nullopt;
  }
  std::size_t tied = 0;
  std::size_t right = 0;
  for (std::size_t i = 0; i < judged.responses.size(); ++i) {
    if (judged.responses[i].reward == highest) {
      ++tied;
      right += judged.correct[i] ? 1 : 0;
    }
  }
  return VoteResult{.credit = static_cast<double>(right) / static_cast<double>(tied), .tie = tied > 1};
}

std::vector<MathCounts> counts_of(std::span<const MathRow> rows) {
  std::vector<MathCounts> counts;
  std::map<std::string, std::size_t> places;
  for (const MathRow& row : rows) {
    const auto [place, is_new] = places.try_emplace(row.problem.suite, counts.size());
    if (is_new) {
      counts.emplace_back().suite = row.problem.suite;
    }
    MathCounts& own = counts[place->second];
    ++own.problems;
    own.failed += row.error.empty() ? 0 : 1;
    own.samples += row.samples.size();
    for (const MathSample& sample : row.samples) {
      own.correct += sample.verdict == Verdict::kCorrect ? 1 : 0;
      own.wrong += sample.verdict == Verdict::kWrong ? 1 : 0;
      own.unparsable += sample.verdict == Verdict::kUnparsable ? 1 : 0;
      own.truncated += sample.end == CompletionEnd::kLength ? 1 : 0;
      own.stopped += sample.end == CompletionEnd::kStop ? 1 : 0;
      own.tokens += sample.tokens;
    }
  }
  return counts;
}

// Where the rows with samples stand. Throws where they have different numbers of samples.
std::vector<std::size_t> sampled_rows(std::span<const MathRow> rows) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].samples.empty()) {
      continue;
    }
    if (!places.empty() && rows[i].samples.size() != rows[places.front()].samples.size()) {
      throw InvalidInput("[measure_math] " + rows[i].problem.id + " has " + std::to_string(rows[i].samples.size()) +
                         " samples and " + rows[places.front()].problem.id + " " +
                         std::to_string(rows[places.front()].samples.size()) + ": figures need as many of each.");
    }
    places.push_back(i);
  }
  return places;
}

// Truths of the judge's rows, by the rows they are about.
void take_truths(MathJudge& judge, std::span<const MathRow> rows, std::span<const std::size_t> places) {
  if (judge.rows.size() != places.size()) {
    throw InvalidInput("[measure_math] " + judge.name + " has " + std::to_string(judge.rows.size()) + " rows of " +
                       std::to_string(places.size()) + " problems with samples.");
  }
  judge.failed = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const MathRow& row = rows[places[i]];
    JudgedExample& judged = judge.rows[i];
    if (judged.id != row.problem.id || judged.responses.size() != row.samples.size()) {
      throw InvalidInput("[measure_math] a row of " + judge.name + " is of " + judged.id + " with " +
                         std::to_string(judged.responses.size()) + " samples, expected " + row.problem.id + " with " +
                         std::to_string(row.samples.size()) + ".");
    }
    judged.correct.clear();
    for (const MathSample& sample : row.samples) {
      judged.correct.push_back(sample.verdict == Verdict::kCorrect);
    }
    for (const JudgedResponse& response : judged.responses) {
      judge.failed += response.reward ? 0 : 1;
    }
  }
}

// 2, 4, 8, ... and k itself: pass@1 is avg@k.
std::vector<std::size_t> pass_sizes(std::size_t k) {
  std::vector<std::size_t> sizes;
  for (std::size_t j = 2; j < k; j *= 2) {
    sizes.push_back(j);
  }
  sizes.push_back(k);
  return sizes;
}

struct PlannedComparison {
  MathComparison comparison;
  FigurePlan plan;
};

// The metrics of every row, and what is compared.
class Figures {
 public:
  Figures(MathReport& report, std::span<const std::size_t> places)
      : report_(report), places_(places), plan_(report.rows) {
    const std::size_t k = places.empty() ? 0 : report.rows[places.front()].samples.size();
    const std::string of_k = "@" + std::to_string(k);
    if (k == 0) {
      return;
    }
    add("avg" + of_k, [k](const MathRow& row) {
      return VoteResult{.credit = static_cast<double>(correct_count(row)) / static_cast<double>(k), .tie = false};
    });
    if (k == 1) {
      return;  // there is nothing to choose among
    }
    add("maj" + of_k, vote_result);
    for (const MathJudge& judge : report.judges) {
      add_judge(judge, k);
    }
    for (const std::size_t j : pass_sizes(k)) {
      add("pass@" + std::to_string(j),
          [k, j](const MathRow& row) { return VoteResult{.credit = pass_at(j, k, correct_count(row)), .tie = false}; });
    }
  }

  // Computes everything that was added.
  void compute(const BootstrapOptions& options) {
    std::vector<const FigurePlan*> planned;
    for (const Planned& figure : figures_) {
      planned.push_back(&figure.plan);
    }
    for (const PlannedComparison& comparison : comparisons_) {
      planned.push_back(&comparison.plan);
    }
    const ComputedFigures computed = compute_figures(plan_.plan(), plan_.units(), planned, options);
    for (std::size_t i = 0; i < figures_.size(); ++i) {
      const Figure& found = computed.figures[i];
      MathFigure& figure = report_.figures.emplace_back(figures_[i].figure);
      figure.value = found.value;
      figure.interval = found.interval;
      figure.n = found.n;
      figure.ties = found.ties;
      figure.failed = found.failed;
    }
    for (std::size_t i = 0; i < comparisons_.size(); ++i) {
      const Figure& found = computed.figures[figures_.size() + i];
      MathComparison& comparison = report_.comparisons.emplace_back(comparisons_[i].comparison);
      comparison.difference = found.value;
      comparison.n = found.n;
      comparison.interval = found.interval;
      if (found.value) {
        comparison.p_value = bootstrap_p_value(computed.resampled[figures_.size() + i]);
      }
    }
  }

 private:
  template <typename Result>
  void add(const std::string& name, const Result& result) {
    const std::size_t metric = plan_.metric(name);
    for (std::size_t i = 0; i < report_.rows.size(); ++i) {
      const MathRow& row = report_.rows[i];
      const VoteResult found = row.samples.empty() ? VoteResult{} : result(row);
      plan_.add(metric, i, row.samples.empty() ? std::nullopt : std::optional(found.credit), found.tie);
    }
    add_figures(metric);
  }

  // Its choices; and beside them what chance and the vote give on the problems where it chose.
  void add_judge(const MathJudge& judge, std::size_t k) {
    const std::string of_k = "@" + std::to_string(k);
    const std::size_t best = plan_.metric("best" + of_k, judge.name);
    const std::size_t chosen = plan_.metric("best" + of_k, judge.name);
    const std::size_t random = plan_.metric("avg" + of_k);
    const std::size_t vote = plan_.metric("maj" + of_k);
    std::size_t next = 0;
    for (std::size_t i = 0; i < report_.rows.size(); ++i) {
      const MathRow& row = report_.rows[i];
      const bool judged = next < places_.size() && places_[next] == i;
      const std::optional<VoteResult> result = judged ? best_result(judge.rows[next++]) : std::nullopt;
      plan_.add(best, i, result ? std::optional(result->credit) : std::nullopt, result && result->tie);
      if (!result) {
        continue;
      }
      plan_.add(chosen, i, result->credit);
      plan_.add(random, i, static_cast<double>(correct_count(row)) / static_cast<double>(k));
      plan_.add(vote, i, vote_result(row).credit);
    }
    add_figures(best);
    for (const std::size_t against : {random, vote}) {
      for (Planned& planned : plan_.differences(chosen, against)) {
        MathComparison comparison;
        comparison.judge = judge.name;
        comparison.against = (against == random ? "avg" : "maj") + of_k;
        comparison.suite = planned.figure.suite;
        comparisons_.push_back({std::move(comparison), std::move(planned.plan)});
      }
    }
  }

  void add_figures(std::size_t metric) {
    for (Planned& planned : plan_.figures(metric)) {
      figures_.push_back(std::move(planned));
    }
  }

  MathReport& report_;
  std::span<const std::size_t> places_;
  MathPlan plan_;
  std::vector<Planned> figures_;
  std::vector<PlannedComparison> comparisons_;
};

}  // namespace

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

void measure_math(MathReport& report, const BootstrapOptions& options) {
  percentile_interval({}, options.level);  // refuses a bad level before the work
  report.counts = counts_of(report.rows);
  report.figures.clear();
  report.comparisons.clear();
  const std::vector<std::size_t> places = sampled_rows(report.rows);
  for (MathJudge& judge : report.judges) {
    take_truths(judge, report.rows, places);
  }
  Figures figures(report, places);
  figures.compute(options);
}

}  // namespace endorm
