#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "app/engine_settings.h"
#include "app/judge_settings.h"
#include "eval/benchmarks.h"
#include "eval/example.h"
#include "eval/metrics.h"
#include "judge/judge.h"

namespace endorm {

// What a user says of a comparison of judges: flags of a command, arguments of a call. Names are those of the flags.
struct BenchSettings {
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

  EngineSettings engine;
  RewardOptions scoring;
  JudgeSettings judge;
};

ReadOptions read_options(const BenchSettings& settings);
MetricOptions metric_options(const BenchSettings& settings);

// Everything that the figures depend on: no clock time, no host.
nlohmann::ordered_json bench_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                                      std::span<const Judge> judges);

// Of a judge's file of rows: what its rows depend on.
nlohmann::ordered_json rows_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                                     const Judge& judge);

// "i/n" of a manifest, empty where it is of the whole; and the manifest of the whole.
std::string shard_of(const nlohmann::ordered_json& manifest);
nlohmann::ordered_json without_shard(nlohmann::ordered_json manifest);

// How figures are computed, as it stands in a manifest. Throws InvalidInput where it does not.
MetricOptions metric_options_of(const nlohmann::ordered_json& manifest);

}  // namespace endorm
