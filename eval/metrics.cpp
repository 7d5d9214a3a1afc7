#include "eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "core/errors.h"
#include "eval/benchmark_table.h"
#include "eval/judging.h"

namespace endorm {
namespace {

[[noreturn]] void contradicts(const JudgedExample& example, const std::string& what) {
  throw InvalidInput("[measure] example \"" + example.id + "\" contradicts itself: " + what +
                     ". Judge it again, or leave it out.");
}

void check_steps(const JudgedExample& example) {
  if (example.responses.size() != 1) {
    contradicts(example, std::to_string(example.responses.size()) + " responses have labels of steps, expected 1");
  }
  for (const auto& [variant, scores] : example.responses.front().step_scores) {
    const std::size_t steps = example.steps->wrong ? example.steps->wrong->size() : scores.size();
    const std::size_t others = example.responses.front().step_scores.begin()->second.size();
    if (scores.size() != steps || scores.size() != others || example.steps->first_error.value_or(0) >= steps) {
      contradicts(example, std::to_string(scores.size()) + " step scores \"" + variant + "\" do not fit its steps");
    }
    for (const double score : scores) {
      if (!std::isfinite(score)) {
        contradicts(example, "a step score \"" + variant + "\" is not finite");
      }
    }
  }
}

void check_judged(std::span<const JudgedExample> judged) {
  for (const JudgedExample& example : judged) {
    const std::size_t count = example.responses.size();
    for (const JudgedComparison& judgement : example.comparisons) {
      const Comparison& pair = judgement.comparison;
      if (pair.better >= count || pair.worse >= count) {
        contradicts(example, "a comparison of responses " + std::to_string(pair.better) + " and " +
                                 std::to_string(pair.worse) + " of " + std::to_string(count));
      }
      if (judgement.margin && std::isnan(*judgement.margin)) {
        contradicts(example, "a margin is not a number");
      }
    }
    if (!example.correct.empty() && example.correct.size() != count) {
      contradicts(example,
                  std::to_string(example.correct.size()) + " labels for " + std::to_string(count) + " responses");
    }
    for (const std::optional<std::size_t>& vote : example.vote) {
      if (example.vote.size() != count || vote.value_or(0) >= count) {
        contradicts(example, "its votes do not fit its responses");
      }
    }
    if (example.steps) {
      check_steps(example);
    }
  }
}

}  // namespace

Plan make_plan(std::string_view benchmark, std::span<const JudgedExample> judged, const MetricOptions& options) {
  const Benchmark& own = benchmark_named("measure", benchmark);
  if (options.threshold && !std::isfinite(*options.threshold)) {
    throw InvalidInput("[measure] the threshold is not a finite number. Give one, or none to have it fitted.");
  }
  check_judged(judged);
  Plan plan = own.plan(judged, options);
  plan.count_ties(options.ties == TieRule::kOwn ? own.ties : options.ties);
  if (judged.empty()) {
    plan.notes.emplace_back("There are no examples.");
  }
  return plan;
}

MetricTable measure(std::string_view benchmark, std::span<const JudgedExample> judged, const MetricOptions& options) {
  percentile_interval({}, options.bootstrap.level);  // refuses a bad level before the work
  const Plan plan = make_plan(benchmark, judged, options);
  MetricTable table = compute(plan, judged, options.bootstrap);
  table.benchmark = benchmark;
  if (std::any_of(plan.verdicts.begin(), plan.verdicts.end(), [](const CellVerdict& own) { return own.is_pair; })) {
    table.ties = plan.ties;
  }
  return table;
}

std::optional<MetricTable> measure_without_judge(std::string_view benchmark, std::span<const Example> examples,
                                                 const MetricOptions& options) {
  const Benchmark& own = benchmark_named("measure_without_judge", benchmark);
  if (own.plan_without_judge == nullptr) {
    return std::nullopt;
  }
  std::vector<JudgedExample> judged;
  std::transform(examples.begin(), examples.end(), std::back_inserter(judged), unjudged);
  check_judged(judged);
  MetricTable table = compute(own.plan_without_judge(judged, options), judged, options.bootstrap);
  table.benchmark = benchmark;
  return table;
}

}  // namespace endorm
