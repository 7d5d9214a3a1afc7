#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "train/run_log.h"
#include "train/training_data.h"
#include "train/training_options.h"

namespace endorm {

class Engine;
struct LlamaEngineOptions;
struct RlOptions;
struct SftOptions;
struct TrainedModel;

// What one step did: the numbers of its line in the log, and responses to look at.
struct TrainingStep {
  std::size_t step = 0;  // from 1
  std::vector<Metric> metrics = {};
  std::vector<LoggedSample> samples = {};
  std::size_t tokens = 0;               // through the model
  std::optional<double> held_out = {};  // what the model makes of what is held out behind the step, where it was asked
};

// What learns, step by step. Nothing that a step does depends on anything but the options, the weights and its number,
// so that a run goes on from a checkpoint to the same bits. One caller at a time.
class Learner {
 public:
  virtual ~Learner() = default;

  virtual std::size_t steps_done() const = 0;
  // Throws EngineError where loss or gradient are not finite; the weights are then those of the step before.
  virtual TrainingStep advance() = 0;

  // Why the run ends behind a step of these metrics; none: it goes on. Called once for every step, in their order, also
  // for those that the log has of an earlier call.
  virtual std::optional<std::string> fault_of(std::span<const Metric> /*metrics*/) { return std::nullopt; }
  // Whether a run with a fault goes back to its last checkpoint.
  virtual bool rolls_back() const { return false; }

  // Whether a checkpoint must be kept now, whatever else says when.
  virtual bool checkpoint_is_due() const { return false; }
  // See train/checkpoint.h; fingerprint: what the run's result depends on.
  virtual void save(const std::string& path, const std::string& fingerprint) = 0;
  virtual void resume(const std::string& path, const std::string& fingerprint) = 0;
};

struct TrainingOutcome {
  std::size_t examples = 0;           // that were learnt from: sequences, or problems
  std::vector<LeftOutLine> left_out;  // of the data, then of what is held out
  std::string compute;                // the type of matrix products, and why
  std::size_t resumed_at = 0;         // steps that an earlier call had done
  std::optional<double> held_out;     // the last of TrainingStep::held_out
  std::string fault;                  // why the run ended before its last step; empty: it did not
  std::string exported;               // path
  std::size_t exported_step = 0;
};

// Called after each step.
using StepReport = std::function<void(const TrainingStep& step, std::size_t steps)>;

// Drives a learner to the last step, in a directory that holds run.jsonl (one line a step), the same for TensorBoard,
// the checkpoint, and at the end model.gguf, or adapter.gguf and PEFT's adapter/ where adapters learnt. Goes on where
// an earlier call was stopped: the same manifest in the same directory continues to the same bits. `model`: what the
// learner teaches. Throws InvalidInput for what cannot be used, EngineError for the world's faults; the last checkpoint
// stays.
TrainingOutcome run_training(Learner& learner, const TrainedModel& model, const TrainingOptions& options,
                             const nlohmann::ordered_json& manifest, const StepReport& report);

// A whole run of `endorm sft`: data to an exported model, as run_training says. `engine` tokenizes; it is the model of
// options.run.model.
TrainingOutcome run_sft(const SftOptions& options, const Engine& engine, const StepReport& report);

// A whole run of `endorm rl`: prompts to an exported model. `engine`: template, threads and cache of every model's
// engine; its model_path is options.run.model.
TrainingOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& engine, const StepReport& report);

}  // namespace endorm
