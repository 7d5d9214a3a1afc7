#pragma once

#include <span>
#include <string>

#include "app/cli/bench_flags.h"
#include "eval/example.h"
#include "judge/judge.h"

namespace endorm {

// What every judge's rewards of data files depend on, as a JSON object: model, template, options of the rewards, files.
std::string reading_manifest(const std::string& command, const Engine& engine, const EngineFlags& engine_flags,
                             const ScoringFlags& scoring_flags, const std::string& shard,
                             std::span<const DataFile> files);

// Everything that the figures depend on, as a JSON object: no clock time, no host.
std::string bench_manifest(const BenchFlags& flags, const Engine& engine, const DataSet& data,
                           std::span<const Judge> judges);

// The first line of a judge's file of rows: what its rows depend on.
std::string rows_manifest(const BenchFlags& flags, const Engine& engine, const DataSet& data, const Judge& judge);

// "i/n" of a manifest, empty where it is of the whole; and the manifest of the whole.
std::string shard_of(const std::string& manifest);
std::string without_shard(const std::string& manifest);

// How figures are computed, as it stands in a manifest. Throws InvalidInput where it does not.
MetricOptions metric_options_of(const std::string& manifest);

}  // namespace endorm
