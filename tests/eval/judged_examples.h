#pragma once

#include <functional>
#include <string>
#include <vector>

#include "eval/judged.h"
#include "eval/metrics.h"

namespace endorm::test {

// What a judge says of a response, given whether it is the one that should win.
using MakeReward = std::function<std::optional<double>(bool should_win)>;

// RM-Bench as its reader makes it: `prompts` of each domain.
std::vector<JudgedExample> rm_bench_examples(std::size_t prompts, const MakeReward& reward);

// One pair: the better response is first.
JudgedExample pair_example(const std::string& id, const std::string& subset, std::optional<double> better,
                           std::optional<double> worse);

// A solution with one variant of step scores, "mean".
JudgedExample step_example(const std::string& id, const std::string& subset, std::optional<std::size_t> first_error,
                           std::vector<double> scores);

// Margins from the rewards of each comparison's responses.
void fill_margins(JudgedExample& example);

// The figure of this name, group and variant; fails the test where there is none.
const Figure& figure_named(const MetricTable& table, const std::string& name, const std::string& group,
                           const std::string& variant = "");

}  // namespace endorm::test
