#include "app/bench_settings.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/scored_json.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

// What verdicts depend on beyond the judge.
json verdicts_depend_on(const BenchSettings& settings, const Engine& engine, const DataSet& data) {
  json manifest = json::parse(reading_manifest("bench " + data.benchmark, engine, settings.engine, settings.scoring,
                                               settings.shard, data.files));
  manifest["reading"] = {{"limit", or_null(settings.limit)},
                         {"sample_seed", or_null(settings.sample_seed)},
                         {"order_seed", settings.order_seed},
                         {"system_messages", !settings.no_system_messages}};
  return manifest;
}

json of_judge(const Judge& judge) { return {{"name", judge.name}, {"fingerprint", judge.fingerprint}}; }

}  // namespace

ReadOptions read_options(const BenchSettings& settings) {
  return {.limit = settings.limit,
          .sample_seed = settings.sample_seed,
          .order_seed = settings.order_seed,
          .system_messages = !settings.no_system_messages,
          .step_separator = settings.scoring.step_separator};
}

MetricOptions metric_options(const BenchSettings& settings) {
  MetricOptions options;
  options.bootstrap.resamples = settings.resamples;
  options.bootstrap.seed = settings.bootstrap_seed;
  options.fit_split = settings.fit_split;
  options.threshold = settings.threshold;
  return options;
}

std::string reading_manifest(const std::string& command, const Engine& engine, const EngineSettings& engine_settings,
                             const ScoringSettings& scoring_settings, const std::string& shard,
                             std::span<const DataFile> files) {
  const RowOptions no_rows;
  const Manifest scoring = make_manifest(command, engine, engine_settings, scoring_settings, no_rows, shard);
  json manifest = json::parse(manifest_line(scoring)).at("manifest");
  manifest.erase("run");
  manifest.erase("data");
  manifest.erase("judge");             // there may be several
  manifest.at("model").erase("file");  // where it lies changes no number; its hash stands beside
  manifest["files"] = json::array();
  for (const DataFile& file : files) {
    manifest["files"].push_back(
        {{"name", std::filesystem::path(file.path).filename().string()}, {"sha256", file.sha256}, {"rows", file.rows}});
  }
  return manifest.dump();
}

std::string bench_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                           std::span<const Judge> judges) {
  json manifest = verdicts_depend_on(settings, engine, data);
  manifest["judges"] = json::array();
  for (const Judge& judge : judges) {
    manifest["judges"].push_back(of_judge(judge));
  }
  manifest["figures"] = {{"resamples", settings.resamples},
                         {"bootstrap_seed", settings.bootstrap_seed},
                         {"fit_split", settings.fit_split},
                         {"threshold", or_null(settings.threshold)},
                         {"sweep", settings.sweep}};
  return manifest.dump();
}

std::string rows_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                          const Judge& judge) {
  json manifest = verdicts_depend_on(settings, engine, data);
  manifest["judge"] = of_judge(judge);
  return json{{"manifest", manifest}}.dump();
}

std::string shard_of(const std::string& manifest) {
  const json fields = json::parse(manifest);
  const json::json_pointer shard("/options/shard");
  return fields.contains(shard) && fields.at(shard).is_string() ? fields.at(shard).get<std::string>() : "";
}

std::string without_shard(const std::string& manifest) {
  json fields = json::parse(manifest);
  fields["options"]["shard"] = nullptr;
  return fields.dump();
}

MetricOptions metric_options_of(const std::string& manifest) {
  try {
    const json fields = json::parse(manifest).at("figures");
    MetricOptions options;
    fields.at("resamples").get_to(options.bootstrap.resamples);
    fields.at("bootstrap_seed").get_to(options.bootstrap.seed);
    fields.at("fit_split").get_to(options.fit_split);
    if (!fields.at("threshold").is_null()) {
      options.threshold = fields.at("threshold").get<double>();
    }
    return options;
  } catch (const json::exception& error) {
    throw InvalidInput(std::string("[bench] the manifest does not say how figures are computed: ") + error.what());
  }
}

}  // namespace endorm
