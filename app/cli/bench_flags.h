#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/engine_flags.h"
#include "app/cli/judge_flags.h"
#include "app/cli/scoring_flags.h"
#include "eval/benchmarks.h"
#include "eval/metrics.h"

namespace endorm {

struct BenchFlags {
  std::string benchmark;
  std::vector<std::string> judges = {"endorm"};
  // What is asked.
  std::string data;
  std::optional<std::size_t> limit;
  std::optional<std::uint64_t> sample_seed;
  std::uint64_t order_seed = 0;
  bool no_system_messages = false;
  std::string shard;
  // What is computed from the verdicts.
  std::size_t resamples = 2000;
  std::uint64_t bootstrap_seed = 0;
  std::string fit_split;
  std::optional<double> threshold;
  std::string sweep;
  // Where it goes.
  std::string json;
  std::string markdown;
  std::string html;
  std::string rows;
  bool no_rows = false;
  bool overwrite = false;
  std::size_t shown = 40;
  std::string cache;
  bool no_cache = false;

  EngineFlags engine;
  ScoringFlags scoring;
  JudgeFlags judge;
};

void add_bench_flags(CLI::App& command, BenchFlags& flags);

ReadOptions read_options(const BenchFlags& flags);
MetricOptions metric_options(const BenchFlags& flags);

}  // namespace endorm
