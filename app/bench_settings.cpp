#include "app/bench_settings.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/run_manifest.h"
#include "core/errors.h"
#include "score/field_map.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;
using Text = std::string_view;

constexpr std::array<std::pair<Text, TieRule>, 3> kTieRules = {
    {{"own", TieRule::kOwn}, {"wrong", TieRule::kWrong}, {"half", TieRule::kHalf}}};

std::vector<Option<BenchSettings>> bench_table() {
  using Rows = OptionRows<BenchSettings>;
  const Rows reading{{.group = "Data", .part = ManifestPart::kReading}};
  const Rows part{{.group = "Data", .part = ManifestPart::kNone}};
  const Rows figure{{.group = "Figures", .part = ManifestPart::kFigures}};
  const auto read = [](auto member) { return at(&BenchSettings::reading, member); };
  const auto metric = [](auto... members) { return at(&BenchSettings::figures, members...); };
  return {
      reading(read(&ReadOptions::limit), "limit", "at most so many rows of each file"),
      reading(read(&ReadOptions::sample_seed), "sample_seed",
              "with a limit: a random choice of rows, not the first ones"),
      part(&BenchSettings::shard, "shard", "i/n: take every n-th example only, from the i-th; see merge"),
      reading(read(&ReadOptions::order_seed), "order_seed",
              "of the order in which a judge sees the responses of a prompt"),
      reading(read(&ReadOptions::system_messages), "system_messages",
              "ask under each system message (dsp, multifaceted)"),
      reading(read(&ReadOptions::map), "map", kMapHelp),
      figure(metric(&MetricOptions::bootstrap, &BootstrapOptions::resamples), "resamples",
             "of the bootstrap; 0: no intervals and no p-values", {.range = {.least = 0, .most = 1e6}}),
      figure(metric(&MetricOptions::bootstrap, &BootstrapOptions::seed), "bootstrap_seed", "of the resamples"),
      figure(
          metric(&MetricOptions::ties), kTieRules, "ties",
          "what a tied pair counts as: not right, half right, or by the benchmark's own rule (half for rewardbench)"),
      figure(metric(&MetricOptions::fit_split), "fit_split",
             "steps: where the threshold is chosen, a split or \"half\" (default: gsm8k for processbench)"),
      figure(metric(&MetricOptions::threshold), "threshold", "steps: nothing is fitted; a step below it is wrong"),
      figure(&BenchSettings::sweep, "sweep",
             "settings of endorm, e.g. gamma=0.8..1.0,aggregation=discounted,mean,alpha=0.5,1; chosen on one half of "
             "the prompts, reported on the other"),
  };
}

json part_of(const BenchSettings& settings, ManifestPart part) {
  json told;
  for (const Option<BenchSettings>& option : bench_options()) {
    if (option.part == part && !(option.name == "map" && settings.reading.map.empty())) {
      told[std::string(option.name)] = option.get(settings);
    }
  }
  return told;
}

// What verdicts depend on beyond the judge.
json verdicts_depend_on(const BenchSettings& settings, const Engine& engine, const DataSet& data) {
  json manifest = files_manifest("bench " + data.benchmark, engine, ManifestOf::kRewards,
                                 score_options(settings.scoring), settings.shard, data.files);
  manifest["reading"] = part_of(settings, ManifestPart::kReading);
  return manifest;
}

}  // namespace

std::span<const Option<BenchSettings>> bench_options() {
  static const std::vector<Option<BenchSettings>> table = bench_table();
  return table;
}

bool is_of_samples(const OptionFacts& facts) {
  constexpr Text kNames[] = {"limit", "sample_seed", "shard", "resamples", "bootstrap_seed"};
  return std::ranges::find(kNames, facts.name) != std::end(kNames);
}

bool is_of_calls(const OptionFacts& facts) { return facts.name != "shard" && facts.name != "sweep"; }

ReadOptions read_options(const BenchSettings& settings) {
  ReadOptions options = settings.reading;
  options.step_separator = settings.scoring.score.step_separator;
  return options;
}

json bench_manifest(const BenchSettings& settings, const Engine& engine, const DataSet& data,
                    std::span<const Judge> judges) {
  json manifest = verdicts_depend_on(settings, engine, data);
  manifest["judges"] = judges_part(judges);
  manifest["figures"] = part_of(settings, ManifestPart::kFigures);
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
    const json& told = manifest.at("figures");
    BenchSettings settings;
    for (const Option<BenchSettings>& option : bench_options()) {
      // Of eval math, which fits nothing, only those of samples are there.
      if (option.part == ManifestPart::kFigures && (is_of_samples(option) || told.contains(option.name))) {
        option.set(settings, told.at(std::string(option.name)));
      }
    }
    return settings.figures;
  } catch (const json::exception& error) {
    throw InvalidInput(std::string("[bench] the manifest does not say how figures are computed: ") + error.what());
  }
}

}  // namespace endorm
