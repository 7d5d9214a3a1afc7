#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/engine_flags.h"
#include "app/cli/freed_memory.h"
#include "app/cli/scoring_flags.h"
#include "app/cli/training_run.h"
#include "app/environment.h"
#include "core/errors.h"
#include "engine/model_store.h"
#include "train/sft_session.h"

namespace endorm {
namespace {

struct SftFlags {
  EngineSettings engine;
  SftSession session;
  std::string new_model;  // path of its description, in the place of a model
  std::string decay = "cosine";
  ScoringSettings text;  // of it, what the template reads
};

void print(const SftOutcome& outcome, const SftSession& session) {
  say_what_was_there(outcome.left_out, outcome.resumed_at);
  std::printf("learnt     %zu sequences, matrix products in %s\n", outcome.sequences, outcome.compute.c_str());
  if (outcome.held_out_loss) {
    std::printf("held out   %.4f nats a token\n", *outcome.held_out_loss);
  }
  std::printf("log        %s/run.jsonl\nwritten    %s\n", session.directory.c_str(), outcome.exported.c_str());
}

[[maybe_unused]] void train(const SftFlags& flags) {  // a build without training has no use for it
  keep_freed_memory();
  SftSession session = flags.session;
  session.text = template_options(flags.text);
  session.training.schedule.decay = learning_rate_decay_from_name(flags.decay);
  EngineSettings engine_flags = flags.engine;
  if (!flags.new_model.empty()) {
    session.new_model = read_new_model_file(flags.new_model);
    engine_flags.model = write_start_model(*session.new_model, session.directory);
  }
  session.model_path = resolve_model(engine_flags.model, model_store_options(engine_flags.offline));
  const std::unique_ptr<Engine> engine = make_engine(engine_flags);
  TrainingProgress drawn;
  const SftOutcome outcome = run_sft(session, *engine, [&](const SftProgress& progress) {
    drawn.update(progress.step.step, progress.steps, progress.step.tokens);
  });
  drawn.end();
  print(outcome, session);
}

void run_sft_command(const SftFlags& flags) {
  if constexpr (kTrains) {
    train(flags);
  } else {
    refuse_without_training("sft");
  }
}

void add_training_flags(CLI::App& command, SftFlags& flags) {
  SftSession& session = flags.session;
  SftOptions& training = session.training;
  command.add_option("--epochs", session.epochs, "passes over the data")->capture_default_str();
  command.add_option("--steps", session.steps, "steps, in the place of --epochs");
  command.add_option("--batch", training.batch, "sequences a step")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--learning-rate", training.schedule.peak, "of AdamW, at its peak")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--warm-up", training.schedule.warm_up, "steps in which the learning rate rises")
      ->capture_default_str();
  command.add_option("--decay", flags.decay, "how it falls to a tenth: none, linear or cosine")
      ->check(CLI::IsMember({"none", "linear", "cosine"}))
      ->capture_default_str();
  command.add_option("--weight-decay", training.weight_decay, "of matrices")->capture_default_str();
  command.add_option("--clip", training.clip_norm, "largest norm of a step's gradient; 0: any")->capture_default_str();
  command.add_option("--seed", training.seed, "of the order of the data and of new adapters")->capture_default_str();
  command.add_option("--lora-rank", session.lora_rank, "train low-rank adapters of this rank instead of the weights");
  command.add_option("--lora-alpha", session.lora_alpha, "their scale, times rank")->capture_default_str();
  command.add_option("--device", session.device, "where it learns; auto: a GPU where libtorch finds one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--compute", session.compute, "type of matrix products; auto: the faster one, measured")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->capture_default_str();
  command.add_option("--pass-tokens", training.pass_tokens, "tokens in one forward and backward pass")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_flag("--recompute", session.recompute_layers,
                   "keep only each layer's input for the backward pass: less memory, a third more time");
}

}  // namespace

void add_sft_command(CLI::App& app) {
  auto flags = std::make_shared<SftFlags>();
  SftSession& session = flags->session;
  CLI::App* command = app.add_subcommand("sft", "Train a model on responses: a run that can be stopped and goes on");
  command->add_option("data", session.data_path, "JSON lines: prompt and response, or messages")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", session.directory, "directory of the run: log, checkpoint, model")->required();
  CLI::Option* model = command->add_option("--model", flags->engine.model, "GGUF file or the name of a known model")
                           ->capture_default_str();
  command
      ->add_option("--new-model", flags->new_model,
                   "TOML with the sizes of a model that begins with random weights, in the place of --model")
      ->check(CLI::ExistingFile)
      ->excludes(model);
  command->add_option("--template", flags->engine.prompt_template, "model, plain, raw, or a jinja file")
      ->capture_default_str();
  add_template_flags(*command, flags->text);
  command->add_flag("--offline", flags->engine.offline, "download nothing");
  command->add_option("--held-out", session.held_out_path, "records whose loss is measured and never learnt")
      ->check(CLI::ExistingFile);
  command->add_option("--held-out-every", session.held_out_every, "steps between two measurements")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--max-tokens", session.max_tokens, "longer sequences are left out, and said")
      ->capture_default_str();
  command->add_flag("--every-turn", session.every_turn, "learn all of the assistant's turns, not the last alone");
  add_training_flags(*command, *flags);
  command->add_option("--checkpoint-every", session.checkpoint_every, "steps between two checkpoints")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--export", session.export_type, "type of the matrices in model.gguf")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  endorm sft dialogues.jsonl -o runs/first --lora-rank 16 --learning-rate 2e-4 --epochs 2\n"
      "  endorm score answers.jsonl --lora runs/first/adapter.gguf\n"
      "  endorm sft dialogues.jsonl -o runs/small --new-model small.toml --learning-rate 2e-3 --epochs 4\n"
      "The same command again goes on where a stopped one was; docs/training.md says what the directory holds.");
  command->callback([flags] { run_sft_command(*flags); });
}

}  // namespace endorm
