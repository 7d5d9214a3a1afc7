#include "app/cli/eval_math_flags.h"

#include <filesystem>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/cli/option_flags.h"
#include "core/errors.h"
#include "grade/grade.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

json of_prompt(const EvalMathFlags& flags, const MathPrompt& prompt) {
  return {{"sha256", math_prompt_hash(prompt)},
          {"instruction", prompt.instruction},
          {"instruction_place", flags.instruction_place},
          {"base", prompt.base},
          {"shots", prompt.shots.size()},
          {"few_shot", flags.few_shot.empty() ? json(nullptr) : json(file_name(flags.few_shot))}};
}

json of_sampling(const MathSamplingOptions& options) {
  json told = {{"samples", options.samples}};
  for (const Option<SamplingSettings>& option : sampling_options()) {
    told[std::string(option.name)] = option.get({options.sampling, options.seed});
  }
  return told;
}

}  // namespace

void add_eval_math_flags(CLI::App& command, EvalMathFlags& flags) {
  command
      .add_option("--suite", flags.suites,
                  "suites that `endorm eval list` names, or .json and .jsonl files of {\"question\", \"answer\"}, "
                  "separated by commas")
      ->delimiter(',')
      ->default_str("");
  command.add_option("-d,--data", flags.directories, "directory with the suites' published files; may be repeated")
      ->default_str("");
  command
      .add_option("-j,--judge", flags.judges,
                  "judges that choose among the samples of a problem, separated by commas (default: none)")
      ->delimiter(',')
      ->default_str("");
  command.option_defaults()->group("Prompt");
  command.add_option("--instruction", flags.instruction,
                     "what the model is told to do; \"\" for nothing (default: \"" + std::string(kMathInstruction) +
                         "\"; with --base nothing)");
  command
      .add_option("--instruction-place", flags.instruction_place,
                  "user: on a line of its own behind each question; system: as the system message")
      ->check(CLI::IsMember({"user", "system"}));
  command.add_option("--few-shot", flags.few_shot,
                     "file of {\"question\", \"answer\"} rows that stand before each question as earlier turns");
  command.add_option("--shots", flags.shots, "use so many rows of --few-shot, the first ones (default: all)");
  command.add_flag(
      "--base", flags.base,
      "a base model: no chat template but \"Question: ...\", \"Answer:\", and a sample ends where the next "
      "\"Question:\" begins");
  command.option_defaults()->group("Sampling");
  command.add_option("-k,--samples", flags.samples, "of each problem")->check(CLI::Range(1, 100'000));
  add_option_flags(command, sampling_options(), flags.drawing);
  add_bench_flags(command, flags, is_of_samples);
}

MathSamplingOptions sampling_options(const EvalMathFlags& flags) {
  if (flags.samples > 1 && flags.drawing.sampling.temperature == 0.0) {
    throw InvalidInput("[eval math] at --temperature 0 all samples of a problem are the same: give --samples 1");
  }
  MathSamplingOptions options;
  options.samples = flags.samples;
  options.text = flags.scoring.score.text;
  options.seed = flags.drawing.seed;
  options.sampling = flags.drawing.sampling;
  MathPrompt& prompt = options.prompt;
  prompt.base = flags.base;
  prompt.instruction = flags.instruction.value_or(flags.base ? "" : std::string(kMathInstruction));
  prompt.place = flags.instruction_place == "system" ? InstructionPlace::kSystem : InstructionPlace::kUser;
  if (flags.base) {
    options.sampling.stop.insert(options.sampling.stop.end(), {"\n\nQuestion:", "\nQuestion:"});
  }
  if (!flags.few_shot.empty()) {
    prompt.shots = read_worked_examples(flags.few_shot);
  }
  if (flags.shots) {
    if (*flags.shots == 0 || *flags.shots > prompt.shots.size()) {
      throw InvalidInput("[eval math] --shots " + std::to_string(*flags.shots) + " of " +
                         std::to_string(prompt.shots.size()) + " rows of --few-shot");
    }
    prompt.shots.resize(*flags.shots);
  }
  return options;
}

EngineSettings engine_flags(const EvalMathFlags& flags) {
  EngineSettings engine = flags.engine;
  if (flags.base) {
    if (engine.prompt_template != EngineSettings{}.prompt_template) {
      throw InvalidInput("[eval math] --base is a template of its own: leave --template out");
    }
    engine.prompt_template = "plain";
  }
  return engine;
}

json math_manifest(const EvalMathFlags& flags, const Engine& engine, ManifestOf what, const DataSet& set,
                   const MathSamplingOptions& sampling) {
  json manifest = files_manifest("eval math", engine, what, score_options(flags.scoring), flags.shard, set.files);
  json suites = json::array();
  for (const std::string& suite : flags.suites) {
    suites.push_back(file_name(suite));
  }
  manifest["reading"] = {
      {"suites", suites}, {"limit", flags.reading.limit}, {"sample_seed", flags.reading.sample_seed}};
  manifest["prompt"] = of_prompt(flags, sampling.prompt);
  manifest["sampling"] = of_sampling(sampling);
  return manifest;
}

json figures_manifest(const EvalMathFlags& flags, json of_rewards, std::span<const Judge> judges) {
  const BootstrapOptions& bootstrap = flags.figures.bootstrap;
  of_rewards["grader"] = {{"version", kGraderVersion}};
  of_rewards["judges"] = judges_part(judges);
  of_rewards["figures"] = {{"resamples", bootstrap.resamples}, {"bootstrap_seed", bootstrap.seed}};
  return of_rewards;
}

}  // namespace endorm
