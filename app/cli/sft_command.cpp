#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/freed_memory.h"
#include "app/cli/option_flags.h"
#include "app/cli/training_run.h"
#include "app/engine_settings.h"
#include "app/environment.h"
#include "core/errors.h"
#include "engine/model_store.h"
#include "train/sft_options.h"
#include "train/training_run.h"

namespace endorm {
namespace {

struct SftFlags {
  EngineSettings engine;
  SftOptions options;
  std::string new_model;  // path of its description, in the place of a model
  RewardOptions text;     // of it, what the template reads
};

[[maybe_unused]] void train(const SftFlags& flags) {  // a build without training has no use for it
  keep_freed_memory();
  SftOptions options = flags.options;
  options.text = flags.text.score.text;
  EngineSettings engine_flags = flags.engine;
  if (!flags.new_model.empty()) {
    options.new_model = read_new_model_file(flags.new_model);
    engine_flags.model = write_start_model(*options.new_model, options.run.directory);
  }
  options.run.model = resolve_model(engine_flags.model, model_store_options(engine_flags.offline));
  const std::unique_ptr<Engine> engine = make_engine(engine_flags);
  TrainingProgress drawn;
  const TrainingOutcome outcome =
      run_sft(options, *engine, [&](const TrainingStep& step, std::size_t steps) { drawn.update(step, steps); });
  drawn.end();
  char held_out[48] = "";
  if (outcome.held_out) {
    std::snprintf(held_out, sizeof held_out, "%.4f nats a token", *outcome.held_out);
  }
  print_outcome(outcome, options.run, std::to_string(outcome.examples) + " sequences", held_out);
}

void run_sft_command(const SftFlags& flags) {
  if constexpr (kTrains) {
    train(flags);
  } else {
    refuse_without_training("sft");
  }
}

void add_training_flags(CLI::App& command, SftFlags& flags) {
  SftOptions& options = flags.options;
  TrainingOptions& run = options.run;
  command.add_option("--epochs", options.epochs, "passes over the data");
  command.add_option("--steps", run.steps, "steps, in the place of --epochs")->default_str("");
  command.add_option("--batch", options.batch, "sequences a step")->check(CLI::PositiveNumber);
  command.add_option("--learning-rate", run.schedule.peak, "of AdamW, at its peak")->check(CLI::PositiveNumber);
  command.add_option("--warm-up", run.schedule.warm_up, "steps in which the learning rate rises");
  static const Option<LearningRateSchedule> decay = choice<LearningRateSchedule>(
      at(&LearningRateSchedule::decay), NamedValues<LearningRateDecay>(kLearningRateDecays),
      {.name = "decay", .help = "how it falls to a tenth: none, linear or cosine"});
  add_option_flags(command, std::span(&decay, 1), run.schedule);
  command.add_option("--weight-decay", run.weight_decay, "of matrices");
  command.add_option("--clip", run.clip_norm, "largest norm of a step's gradient; 0: any");
  command.add_option("--seed", run.seed, "of the order of the data and of new adapters");
  command.add_option("--lora-rank", run.lora_rank, "train low-rank adapters of this rank instead of the weights");
  command.add_option("--lora-alpha", run.lora_alpha, "their scale, times rank");
  command.add_option("--device", run.device, "where it learns; auto: a GPU where libtorch finds one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command.add_option("--compute", run.compute, "type of matrix products; auto: the faster one, measured")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  command.add_option("--pass-tokens", run.pass_tokens, "tokens in one forward and backward pass")
      ->check(CLI::PositiveNumber);
  command.add_flag("--recompute", run.recompute_layers,
                   "keep only each layer's input for the backward pass: less memory, a third more time");
}

}  // namespace

void add_sft_command(CLI::App& app) {
  auto flags = std::make_shared<SftFlags>();
  SftOptions& options = flags->options;
  CLI::App* command = app.add_subcommand("sft", "Train a model on responses: a run that can be stopped and goes on");
  command->add_option("data", options.data, "JSON lines: prompt and response, or messages")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", options.run.directory, "directory of the run: log, checkpoint, model")->required();
  CLI::Option* model = command->add_option("--model", flags->engine.model, "GGUF file or the name of a known model");
  command
      ->add_option("--new-model", flags->new_model,
                   "TOML with the sizes of a model that begins with random weights, in the place of --model")
      ->check(CLI::ExistingFile)
      ->excludes(model);
  command->add_option("--template", flags->engine.prompt_template, "model, plain, raw, or a jinja file");
  add_template_flags(*command, flags->text);
  command->add_flag("--offline", flags->engine.offline, "download nothing");
  command->add_option("--held-out", options.held_out, "records whose loss is measured and never learnt")
      ->check(CLI::ExistingFile);
  command->add_option("--held-out-every", options.held_out_every, "steps between two measurements")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-tokens", options.max_tokens, "longer sequences are left out, and said");
  command->add_flag("--every-turn", options.every_turn, "learn all of the assistant's turns, not the last alone");
  add_training_flags(*command, *flags);
  command->add_option("--checkpoint-every", options.run.checkpoint_every, "steps between two checkpoints")
      ->check(CLI::PositiveNumber);
  command->add_option("--export", options.run.export_type, "type of the matrices in model.gguf")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}));
  command->footer(
      "Example:\n"
      "  endorm sft dialogues.jsonl -o runs/first --lora-rank 16 --learning-rate 2e-4 --epochs 2\n"
      "  endorm score answers.jsonl --lora runs/first/adapter.gguf\n"
      "  endorm sft dialogues.jsonl -o runs/small --new-model small.toml --learning-rate 2e-3 --epochs 4\n"
      "The same command again goes on where a stopped one was; docs/training.md says what the directory holds.");
  command->callback([flags] { run_sft_command(*flags); });
}

}  // namespace endorm
