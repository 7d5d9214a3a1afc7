#include "app/bench_settings.h"

#include <nlohmann/json.hpp>

#include "app/run_manifest.h"
#include "core/errors.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

// What verdicts depend on beyond the judge.
json verdicts_depend_on(const BenchSettings& settings, const Engine& engine, const DataSet& data) {
  json manifest =
      reading_manifest("bench " + data.benchmark, engine, score_options(settings.scoring), settings.shard, data.files);
  manifest["reading"] = {{"limit", or_null(settings.limit)},
                         {"sample_seed", or_null(settings.sample_seed)},
                         {"order_seed", settings.order_seed},
                         {"system_messages", !settings.no_system_messages}};
  return manifest;
}

}  // namespace

ReadOptions read_options(const BenchSettings& settings) {
  return {.limit = settings.limit,
          .sample_seed = settings.sample_seed,
          .order_seed = settings.order_seed,
          .system_messages = !settings.no_system_messages,
          .step_separator = settings.scoring.score.step_separator};
}

MetricOptions metric_options(const BenchSettings& settings) {
  MetricOptions options;
  options.bootstrap.resamples = settings.resamples;
  options.bootstrap.seed = settings.bootstrap_seed;
  options.fit_split = settings.fit_split;
  options.threshold = settings.threshold;
  return options;
}

json bench_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                    std::span<const Judge> judges) {
  json manifest = verdicts_depend_on(settings, engine, data);
  manifest["judges"] = judges_part(judges);
  manifest["figures"] = {{"resamples", settings.resamples},
                         {"bootstrap_seed", settings.bootstrap_seed},
                         {"fit_split", settings.fit_split},
                         {"threshold", or_null(settings.threshold)},
                         {"sweep", settings.sweep}};
  return manifest;
}

json rows_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data, const Judge& judge) {
  json manifest = verdicts_depend_on(settings, engine, data);
  manifest["judge"] = judge_part(judge);
  return manifest;
}

std::string shard_of(const json& manifest) {
  const json::json_pointer shard("/options/shard");
  return manifest.contains(shard) && manifest.at(shard).is_string() ? manifest.at(shard).get<std::string>() : "";
}

json without_shard(json manifest) {
  manifest["options"]["shard"] = nullptr;
  return manifest;
}

MetricOptions metric_options_of(const json& manifest) {
  try {
    const json& fields = manifest.at("figures");
    MetricOptions options;
    fields.at("resamples").get_to(options.bootstrap.resamples);
    fields.at("bootstrap_seed").get_to(options.bootstrap.seed);
    options.fit_split = fields.value("fit_split", "");  // of eval math, which fits nothing, there is none
    if (fields.contains("threshold") && !fields.at("threshold").is_null()) {
      options.threshold = fields.at("threshold").get<double>();
    }
    return options;
  } catch (const json::exception& error) {
    throw InvalidInput(std::string("[bench] the manifest does not say how figures are computed: ") + error.what());
  }
}

}  // namespace endorm
