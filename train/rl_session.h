#pragma once

#include "train/rl_options.h"
#include "train/training_run.h"

namespace endorm {

struct LlamaEngineOptions;

// A whole run of `endorm rl`: prompts to an exported model, as run_training says. `engine`: template, threads and cache
// of every model's engine; its model_path is options.run.model.
TrainingOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& engine, const StepReport& report);

}  // namespace endorm
