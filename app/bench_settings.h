#pragma once

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

// What a user says of a comparison of judges: flags of a command, arguments of a call.
struct BenchSettings {
  std::string benchmark;
  std::vector<std::string> judges = {"endorm"};
  std::string data;
  ReadOptions reading;  // but for the step separator, which is that of scoring
  std::string shard;
  MetricOptions figures;
  std::string sweep;

  EngineSettings engine;
  RewardOptions scoring;
  JudgeSettings judge;
};

// The table of what is read and computed; and of it, what is asked of samples, too, and what a call may ask.
std::span<const Option<BenchSettings>> bench_options();
bool is_of_samples(const OptionFacts& facts);
bool is_of_calls(const OptionFacts& facts);

ReadOptions read_options(const BenchSettings& settings);

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
