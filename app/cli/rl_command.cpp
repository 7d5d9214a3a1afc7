#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "app/cli/freed_memory.h"
#include "app/cli/option_flags.h"
#include "app/cli/training_run.h"
#include "app/engine_settings.h"
#include "app/environment.h"
#include "core/errors.h"
#include "engine/model_store.h"
#include "train/rl_config.h"
#include "train/rl_options.h"
#include "train/training_run.h"

namespace endorm {
namespace {

struct RlFlags {
  EngineSettings engine;
  RewardOptions text;  // of it, what the template reads
  std::string config;
  std::string directory;
  std::string model;                 // in the place of the configuration's
  std::optional<std::size_t> steps;  // likewise
  std::optional<std::size_t> seed;   // likewise
  bool keys = false;
};

// A configuration of every key, each behind its help, with what holds without it.
[[maybe_unused]] void print_keys() {
  std::string section;
  for (const ConfigKey& key : rl_config_keys()) {
    const std::size_t dot = key.path.rfind('.');
    const std::string own = dot == std::string::npos ? "" : key.path.substr(0, dot);
    if (own != section) {
      section = own;
      const std::size_t list = own.find("[]");
      std::printf("\n%s\n",
                  list == std::string::npos ? ("[" + own + "]").c_str() : ("[[" + own.substr(0, list) + "]]").c_str());
    }
    std::printf("# %s; %s\n%s = %s\n", std::string(key.facts.help).c_str(), key.wanted.c_str(),
                std::string(key.facts.name).c_str(), key.standard.c_str());
  }
}

[[maybe_unused]] void train(const RlFlags& flags) {  // a build without training has no use for it
  if (flags.config.empty() || flags.directory.empty()) {
    throw InvalidInput("[rl] give a configuration and -o DIRECTORY, or --keys for what a configuration may hold");
  }
  RlOptions options = read_rl_config(flags.config);
  keep_freed_memory();
  TrainingOptions& run = options.run;
  run.directory = flags.directory;
  run.steps = flags.steps.value_or(run.steps);
  run.seed = flags.seed.value_or(run.seed);
  options.rollout.text = flags.text.score.text;
  if (!options.reward_model.empty()) {
    options.reward_model = resolve_model(options.reward_model, model_store_options(flags.engine.offline));
  }
  EngineSettings named = flags.engine;
  named.model = !flags.model.empty() ? flags.model : run.model.empty() ? flags.engine.model : run.model;
  const LlamaEngineOptions engine = local_engine_options(named);
  run.model = engine.model_path;
  TrainingProgress drawn;
  const TrainingOutcome outcome =
      run_rl(options, engine, [&](const TrainingStep& step, std::size_t steps) { drawn.update(step, steps); });
  drawn.end();
  char held_out[32] = "";
  if (outcome.held_out) {
    std::snprintf(held_out, sizeof held_out, "%.1f %% right", 100.0 * *outcome.held_out);
  }
  print_outcome(outcome, run, "from " + std::to_string(outcome.examples) + " prompts", held_out,
                ", the policy behind step " + std::to_string(outcome.exported_step));
  if (!outcome.fault.empty()) {
    throw EngineError("[rl] a guard ended the run: " + outcome.fault);
  }
}

void run_rl_command(const RlFlags& flags) {
  if constexpr (kTrains) {
    if (flags.keys) {
      print_keys();
    } else {
      train(flags);
    }
  } else {
    refuse_without_training("rl");
  }
}

}  // namespace

void add_rl_command(CLI::App& app) {
  auto flags = std::make_shared<RlFlags>();
  CLI::App* command =
      app.add_subcommand("rl", "Reinforcement learning of a model, by its own reward or another; stops and goes on");
  command->add_option("config", flags->config, "TOML; --keys has every key, recipes/ has examples")
      ->check(CLI::ExistingFile);
  command->add_option("-o,--output", flags->directory, "directory of the run: log, checkpoint, model");
  command->add_option("--model", flags->model, "GGUF file or the name of a known model, in the place of model");
  command->add_option("--steps", flags->steps, "in the place of steps")->check(CLI::PositiveNumber);
  command->add_option("--seed", flags->seed, "in the place of seed");
  command->add_option("--template", flags->engine.prompt_template, "model, plain, raw, or a jinja file");
  add_template_flags(*command, flags->text);
  command->add_option("-t,--threads", flags->engine.here.threads, "of drawing and rewarding; 0: all");
  command->add_flag("--offline", flags->engine.offline, "download nothing");
  command->add_flag("--keys", flags->keys, "print a configuration of every key with what holds without it, and end");
  command->footer(
      "Example:\n"
      "  endorm rl recipes/word-problems/endorm.toml -o runs/first\n"
      "  endorm report runs/first/run.jsonl -o run.html --refresh 10\n"
      "Files in the configuration are found from where the command is given. The same command again goes on where a\n"
      "stopped one was; docs/training.md says what the directory holds.");
  command->callback([flags] { run_rl_command(*flags); });
}

}  // namespace endorm
