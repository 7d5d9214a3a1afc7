#include "app/cli/eval_math_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/engine_flags.h"
#include "app/cli/judge_flags.h"
#include "app/cli/option_flags.h"
#include "app/cli/scoring_flags.h"
#include "core/errors.h"

namespace endorm {
namespace {

void add_data_flags(CLI::App& command, EvalMathFlags& flags) {
  command
      .add_option("--suite", flags.suites,
                  "suites that `endorm eval list` names, or .json and .jsonl files of {\"question\", \"answer\"}, "
                  "separated by commas")
      ->delimiter(',');
  command.add_option("-d,--data", flags.directories, "directory with the suites' published files; may be repeated");
  command
      .add_option("-j,--judge", flags.judges,
                  "judges that choose among the samples of a problem, separated by commas (default: none)")
      ->delimiter(',');
  add_part_flags(command, flags);
}

void add_prompt_flags(CLI::App& command, EvalMathFlags& flags) {
  constexpr const char* kPrompt = "Prompt";
  command
      .add_option("--instruction", flags.instruction,
                  "what the model is told to do; \"\" for nothing (default: \"" + std::string(kMathInstruction) +
                      "\"; with --base nothing)")
      ->group(kPrompt);
  command
      .add_option("--instruction-place", flags.instruction_place,
                  "user: on a line of its own behind each question; system: as the system message")
      ->check(CLI::IsMember({"user", "system"}))
      ->capture_default_str()
      ->group(kPrompt);
  command
      .add_option("--few-shot", flags.few_shot,
                  "file of {\"question\", \"answer\"} rows that stand before each question as earlier turns")
      ->group(kPrompt);
  command.add_option("--shots", flags.shots, "use so many rows of --few-shot, the first ones (default: all)")
      ->group(kPrompt);
  command
      .add_flag("--base", flags.base,
                "a base model: no chat template but \"Question: ...\", \"Answer:\", and a sample ends where the next "
                "\"Question:\" begins")
      ->group(kPrompt);
}

void add_sampling_flags(CLI::App& command, EvalMathFlags& flags) {
  command.add_option("-k,--samples", flags.samples, "of each problem")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str()
      ->group("Sampling");
  add_option_flags(command, sampling_options(), flags.drawing);
}

}  // namespace

void add_eval_math_flags(CLI::App& command, EvalMathFlags& flags) {
  add_data_flags(command, flags);
  add_prompt_flags(command, flags);
  add_sampling_flags(command, flags);
  add_bootstrap_flags(command, flags.resamples, flags.bootstrap_seed);
  add_report_flags(command, flags);
  add_reward_flags(command, flags.scoring);
  add_judge_flags(command, flags.judge);
  add_engine_flags(command, flags.engine);
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

}  // namespace endorm
