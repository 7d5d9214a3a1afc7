#pragma once

#include <span>
#include <string_view>

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

// The benchmark's plan. Throws InvalidInput as measure() does.
Plan make_plan(std::string_view benchmark, std::span<const JudgedExample> judged, const MetricOptions& options);

}  // namespace endorm
