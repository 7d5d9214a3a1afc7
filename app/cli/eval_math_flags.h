#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/cli/bench_flags.h"
#include "app/run_manifest.h"
#include "app/sampling_settings.h"
#include "eval/math_sampling.h"
#include "eval/math_suites.h"

namespace CLI {
class App;
}

namespace endorm {

struct EvalMathFlags : BenchFlags {  // of the benchmark that the samples are
  EvalMathFlags() {
    benchmark = "bestof";
    judges.clear();
    shown = 20;
    drawing.sampling.max_tokens = 1024;
    drawing.sampling.temperature = 0.7;
  }

  std::vector<std::string> suites;
  std::vector<std::string> directories;  // of the suites' files
  // What is asked.
  std::optional<std::string> instruction;
  std::string instruction_place = "user";
  std::string few_shot;
  std::optional<std::size_t> shots;
  bool base = false;
  // How it is answered.
  std::size_t samples = 8;
  SamplingSettings drawing;
};

void add_eval_math_flags(CLI::App& command, EvalMathFlags& flags);

// Reads the worked examples. Throws InvalidInput on settings that contradict each other.
MathSamplingOptions sampling_options(const EvalMathFlags& flags);
// The template that --base asks for.
EngineSettings engine_flags(const EvalMathFlags& flags);

// What the samples, or all rewards of them, depend on: what is asked, how, and how it is answered.
nlohmann::ordered_json math_manifest(const EvalMathFlags& flags, const Engine& engine, ManifestOf what,
                                     const DataSet& set, const MathSamplingOptions& sampling);
// Everything that the figures depend on: no clock time, no host.
nlohmann::ordered_json figures_manifest(const EvalMathFlags& flags, nlohmann::ordered_json of_rewards,
                                        std::span<const Judge> judges);

}  // namespace endorm
