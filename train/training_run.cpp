#include "train/training_run.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "engine/content_hash.h"
#include "train/export.h"
#include "train/trained_model.h"

namespace endorm {
namespace {

std::string in_directory(const TrainingOptions& options, const char* name) {
  return (std::filesystem::path(options.directory) / name).string();
}

TensorType export_type(const std::string& name) {
  return name == "bf16" ? TensorType::kBf16 : name == "f16" ? TensorType::kF16 : TensorType::kF32;
}

// Returns the path of what `endorm --model` or `--lora` loads.
std::string write_result(const TrainedModel& model, const TrainingOptions& options) {
  std::string path = in_directory(options, options.lora_rank > 0 ? "adapter.gguf" : "model.gguf");
  if (options.lora_rank > 0) {
    export_adapter(path, model.file, model.decoder);
    export_peft_adapter(in_directory(options, "adapter"), model.file, model.decoder);
  } else {
    export_model(path, model.file, model.decoder, export_type(options.export_type));
  }
  return path;
}

}  // namespace

TrainingOutcome run_training(Learner& learner, const TrainedModel& model, const TrainingOptions& options,
                             const nlohmann::ordered_json& manifest, const StepReport& report) {
  make_run_directory(options.directory);
  const std::string checkpoint = in_directory(options, "checkpoint");
  const std::string fingerprint = record_key(manifest.dump());
  const auto go_back = [&] {
    if (std::filesystem::exists(checkpoint)) {
      learner.resume(checkpoint, fingerprint);
    }
  };
  go_back();
  TrainingOutcome outcome;
  outcome.compute = compute_name(model.compute) + ": " + model.compute.reason;
  outcome.resumed_at = learner.steps_done();
  RunLog log(in_directory(options, "run.jsonl"), manifest, learner.steps_done(), options.directory);
  for (const LoggedStep& earlier : log.earlier_steps()) {
    learner.fault_of(earlier.metrics);
  }
  while (learner.steps_done() < options.steps && outcome.fault.empty()) {
    const TrainingStep step = learner.advance();
    log.step(step.step, step.metrics);
    for (const LoggedSample& sample : step.samples) {
      log.sample(step.step, sample);
    }
    outcome.held_out = step.held_out ? step.held_out : outcome.held_out;
    outcome.fault = learner.fault_of(step.metrics).value_or("");
    const bool due =
        learner.checkpoint_is_due() || step.step == options.steps || step.step % options.checkpoint_every == 0;
    if (due && outcome.fault.empty()) {
      learner.save(checkpoint, fingerprint);
    }
    report(step, options.steps);
  }
  if (!outcome.fault.empty() && learner.rolls_back()) {
    go_back();
  }
  outcome.exported_step = learner.steps_done();
  outcome.exported = write_result(model, options);
  return outcome;
}

}  // namespace endorm
