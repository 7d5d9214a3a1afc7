#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/engine_flags.h"
#include "app/cli/judge_flags.h"
#include "app/cli/scoring_flags.h"
#include "eval/math_sampling.h"
#include "eval/math_suites.h"

namespace endorm {

struct EvalMathFlags {
  std::vector<std::string> suites;
  // What is asked.
  std::vector<std::string> data;
  std::optional<std::size_t> limit;
  std::optional<std::uint64_t> sample_seed;
  std::string shard;
  std::optional<std::string> instruction;
  std::string instruction_place = "user";
  std::string few_shot;
  std::optional<std::size_t> shots;
  bool base = false;
  // How it is answered.
  std::size_t samples = 8;
  double temperature = 0.7;
  double top_p = 1.0;
  std::size_t max_tokens = 1024;
  std::vector<std::string> stop;
  std::uint64_t seed = 0;
  // Who chooses among the samples.
  std::vector<std::string> judges;
  std::size_t resamples = 2000;
  std::uint64_t bootstrap_seed = 0;
  // Where it goes.
  std::string json;
  bool no_rows = false;
  std::string markdown;
  std::string html;
  std::string rows;
  bool overwrite = false;
  std::size_t shown = 20;
  std::string cache;
  bool no_cache = false;

  EngineSettings engine;
  ScoringSettings scoring;
  JudgeSettings judge;
};

void add_eval_math_flags(CLI::App& command, EvalMathFlags& flags);

MathReadOptions read_options(const EvalMathFlags& flags);
// Reads the worked examples. Throws InvalidInput on settings that contradict each other.
MathSamplingOptions sampling_options(const EvalMathFlags& flags);
// The template that --base asks for.
EngineSettings engine_flags(const EvalMathFlags& flags);

}  // namespace endorm
