#pragma once

#include "train/sft_options.h"
#include "train/training_run.h"

namespace endorm {

class Engine;

// A whole run of `endorm sft`: data to an exported model, as run_training says. `engine` tokenizes; it is the model of
// options.run.model.
TrainingOutcome run_sft(const SftOptions& options, const Engine& engine, const StepReport& report);

}  // namespace endorm
