#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/cli/scoring_run.h"

namespace endorm {

// What --help says of --model where it may name several.
inline constexpr const char* kSeveralModelsHelp =
    "; several with commas between: each has its own result file (of -o FILE.jsonl FILE.MODEL.jsonl), and a table "
    "compares them";

// The models that --model names, in their order: one, or several with commas between. A file whose name has commas is
// one model.
std::vector<std::string> models_named(const std::string& text);

// What files and models are called beside each other: as much of the end of each as tells them apart, with - for /
// and :, e.g. "smollm2-135m"; "step-100-model" and "step-200-model". Throws InvalidInput, in the name of `command`,
// where one stands twice.
std::vector<std::string> labels_of(const std::string& command, std::span<const std::string> names);

// The file of one of several models: scored.LABEL.jsonl in the place of scored.jsonl.
std::string file_of_model(const std::string& path, const std::string& label);

// Runs one model after another, so that one at a time is in memory, and prints how they compare. run_one: a run of the
// one model that these flags name, with its own result file and what it does beside. Throws RowsFailed where one of
// them did, InvalidInput where there is no result file or a model is not there, before the first one begins.
void run_each_model(
    const std::string& command, const ScoringRunFlags& flags, std::span<const std::string> models,
    const std::function<void(const ScoringRunFlags&, const std::string& label, const RunAside&)>& run_one);

// How result files compare, on standard output. Throws InvalidInput, in the name of `command`, where they are not of
// the same data, and on fewer than two.
void print_comparison(const std::string& command, std::span<const std::string> files);

}  // namespace endorm
