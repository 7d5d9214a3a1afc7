#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "train/rl.h"

namespace endorm {

struct LlamaEngineOptions;

// What a step did, and what the run is.
struct RlProgress {
  RlStep step;
  std::size_t steps = 0;  // of the whole run
};

struct RlOutcome {
  std::string exported;        // path
  std::size_t resumed_at = 0;  // steps that an earlier call had done
  std::size_t problems = 0;
  std::vector<LeftOutLine> left_out;  // of the data, then of what is held out
  std::optional<double> held_out_accuracy;
  std::string compute;  // the type, and why
  std::string fault;    // why a guard ended the run before its last step; empty: none did
  std::size_t exported_step = 0;
};

// A whole run of `endorm rl`: prompts to an exported model, in a directory that holds run.jsonl (one line a step), the
// same for TensorBoard, checkpoint, and at the end model.gguf, or adapter.gguf where adapters learnt. Goes on where an
// earlier call was stopped: the same options in the same directory continue to the same bits. `engine`: template,
// threads and cache of every model's engine; its model_path is that of options.model. Called after each step: `report`.
// Throws InvalidInput for what cannot be used, EngineError for the world's faults; the last checkpoint stays.
RlOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& engine,
                 const std::function<void(const RlProgress&)>& report);

}  // namespace endorm
