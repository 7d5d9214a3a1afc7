#pragma once

#include <optional>
#include <span>

#include "eval/figure_plan.h"

namespace endorm {

// Plans of one benchmark each, or of a family; docs/benchmarks.md has the formulas.
Plan plan_rm_bench(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_reward_bench(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_reward_bench_2(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_dsp(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_multifaceted(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_process_bench(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_prm_bench(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_judge_bench(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_llm_bar(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_pairs(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_best_of(std::span<const JudgedExample> judged, const MetricOptions& options);
Plan plan_steps(std::span<const JudgedExample> judged, const MetricOptions& options);

// What no judge is needed for: a random response, the vote, the best of some.
Plan plan_without_judge(std::span<const JudgedExample> judged, const MetricOptions& options);

// The benchmark's plan. Throws InvalidInput as measure() does.
Plan make_plan(std::string_view benchmark, std::span<const JudgedExample> judged, const MetricOptions& options);

// What choosing among an example's responses gives: 1 a right one, 0 a wrong one, or, where several tie at the top, the
// share of right ones among them.
struct Choice {
  double credit = 0.0;
  bool tie = false;
};

// The response with the highest reward; one without a reward is never chosen. None where no response has one.
std::optional<Choice> top_choice(const JudgedExample& example);

}  // namespace endorm
