#include "train/sft_session.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "engine/content_hash.h"
#include "engine/llama/llama_engine.h"
#include "engine/weights/weight_file.h"
#include "train/decoder_loading.h"
#include "train/export.h"
#include "train/peft_adapter.h"
#include "train/run_directory.h"
#include "train/run_log.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

// Columns of the head without padding, as the scorer has them; 0 where the engine does not say.
std::size_t vocabulary_of(const Engine& engine) {
  const auto* local = dynamic_cast<const LlamaEngine*>(&engine);
  return local ? local->model_info().vocabulary : 0;
}

// Everything that the weights at the end depend on. The type of products is what was chosen, so that a run does not go
// on in another on a machine where another is faster.
json manifest_of(const SftSession& session, const Engine& engine, const TrainingData& data, const SftOptions& options,
                 const ComputeType& compute) {
  const LearningRateSchedule& schedule = options.schedule;
  json manifest = {
      {"kind", "sft"},
      {"model", engine.fingerprint()},
      {"template", engine.template_fingerprint()},
      {"data", {{"sha256", data.sha256}, {"sequences", data.sequences.size()}, {"targets", data.target_tokens}}},
      {"batch", options.batch},
      {"steps", schedule.steps},
      {"learning_rate", schedule.peak},
      {"warm_up", schedule.warm_up},
      {"decay", learning_rate_decay_name(schedule.decay)},
      {"final_fraction", schedule.final_fraction},
      {"weight_decay", options.weight_decay},
      {"clip_norm", options.clip_norm},
      {"pass_tokens", options.pass_tokens},
      {"lora",
       session.lora_rank == 0 ? json(nullptr) : json{{"rank", session.lora_rank}, {"alpha", session.lora_alpha}}},
      {"compute", compute_name(compute)},
      {"recompute_layers", session.recompute_layers},
      {"seed", options.seed}};
  if (session.new_model) {
    const NewModel& model = session.new_model->model;
    manifest["new_model"] = {{"architecture", model.architecture},
                             {"layers", model.layers},
                             {"width", model.width},
                             {"heads", model.heads},
                             {"kv_heads", model.kv_heads},
                             {"feed_forward", model.feed_forward},
                             {"context", model.context},
                             {"rope_base", model.rope_base},
                             {"norm_epsilon", model.norm_epsilon},
                             {"seed", session.new_model->seed}};
  }
  return manifest;
}

}  // namespace

SftOutcome run_sft(const SftSession& session, const Engine& engine,
                   const std::function<void(const SftProgress&)>& report) {
  const TrainingData data =
      read_training_data(session.data_path, engine, session.text, session.max_tokens, session.every_turn);
  const TrainingData held_out =
      session.held_out_path.empty()
          ? TrainingData()
          : read_training_data(session.held_out_path, engine, session.text, session.max_tokens, session.every_turn);
  SftOptions options = session.training;
  if (options.batch == 0) {
    throw InvalidInput("[--batch] a step needs at least one sequence");
  }
  options.schedule.steps =
      session.steps > 0 ? session.steps : (session.epochs * data.sequences.size() + options.batch - 1) / options.batch;
  SftOutcome outcome;
  outcome.sequences = data.sequences.size();
  outcome.left_out = data.left_out;
  outcome.left_out.insert(outcome.left_out.end(), held_out.left_out.begin(), held_out.left_out.end());
  const WeightFile file(session.model_path);
  auto [decoder, compute] = load_decoder(file, {.vocabulary = vocabulary_of(engine),
                                                .device = session.device,
                                                .compute = session.compute,
                                                .recompute_layers = session.recompute_layers,
                                                .lora_rank = session.lora_rank,
                                                .lora_alpha = session.lora_alpha,
                                                .seed = options.seed});
  outcome.compute = compute_name(compute) + ": " + compute.reason;
  const std::string manifest = manifest_of(session, engine, data, options, compute).dump();
  const std::string fingerprint = record_key(manifest);

  make_run_directory(session.directory);
  const auto in_directory = [&](const char* name) {
    return (std::filesystem::path(session.directory) / name).string();
  };
  SftRun run(decoder, data, options);
  if (std::filesystem::exists(in_directory("checkpoint"))) {
    run.resume(in_directory("checkpoint"), fingerprint);
  }
  outcome.resumed_at = run.steps_done();
  RunLog log(in_directory("run.jsonl"), manifest, run.steps_done(), session.directory);
  while (run.steps_done() < options.schedule.steps) {
    const auto begin = std::chrono::steady_clock::now();
    SftProgress progress;
    progress.steps = options.schedule.steps;
    progress.step = run.advance();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    progress.tokens_per_second = static_cast<double>(progress.step.tokens) / seconds;
    const bool last = run.steps_done() == options.schedule.steps;
    std::vector<Metric> metrics = {{"loss", progress.step.loss},
                                   {"learning_rate", progress.step.learning_rate},
                                   {"gradient_norm", progress.step.gradient_norm},
                                   {"tokens", static_cast<double>(progress.step.tokens)},
                                   {"targets", static_cast<double>(progress.step.targets)},
                                   {"tokens_per_second", progress.tokens_per_second}};
    if (!held_out.sequences.empty() && (last || run.steps_done() % session.held_out_every == 0)) {
      progress.held_out_loss = mean_loss(decoder, held_out.sequences, options.pass_tokens);
      metrics.emplace_back("held_out_loss", *progress.held_out_loss);
      outcome.held_out_loss = progress.held_out_loss;
    }
    log.step(progress.step.step, metrics);
    if (last || run.steps_done() % session.checkpoint_every == 0) {
      run.save(in_directory("checkpoint"), fingerprint);
    }
    report(progress);
  }
  outcome.exported = in_directory(session.lora_rank > 0 ? "adapter.gguf" : "model.gguf");
  if (session.lora_rank > 0) {
    export_adapter(outcome.exported, file, decoder);
    export_peft_adapter(in_directory("adapter"), file, decoder);
  } else {
    export_model(outcome.exported, file, decoder, export_type(session.export_type));
  }
  return outcome;
}

}  // namespace endorm
