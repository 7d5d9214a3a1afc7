#include "app/cli/shard_files.h"

#include <cstddef>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/bench_settings.h"
#include "app/cli/scoring_run.h"
#include "core/errors.h"
#include "engine/read_whole_file.h"
#include "eval/bench_json.h"
#include "report/terminal_text.h"

namespace endorm {
namespace {

// The shards of one run in their order.
std::vector<BenchReport> read_shards(const std::string& command, const std::vector<std::string>& paths) {
  const auto refuse = [&](const std::string& why) { throw InvalidInput("[" + command + "] " + why); };
  std::map<std::size_t, BenchReport> shards;
  std::size_t count = paths.size();
  for (const std::string& path : paths) {
    BenchReport report = read_report(command, path);
    const std::string text = shard_of(*report.manifest);
    if (text.empty()) {
      refuse(path + " is of a whole run, not of a shard");
    }
    const Shard shard = shard_from(text);
    count = shard.count;
    const bool same =
        shards.empty() || (without_shard(*shards.begin()->second.manifest) == without_shard(*report.manifest) &&
                           shards.begin()->second.judges.size() == report.judges.size());
    if (!same) {
      refuse(path + " was made with other settings, files or model than " + paths[0]);
    }
    if (!shards.emplace(shard.index, std::move(report)).second) {
      std::string fact = "shard ";
      refuse(fact.append(text).append(" is there twice, once in ").append(path));
    }
  }
  std::vector<BenchReport> ordered;
  for (std::size_t i = 1; i <= count; ++i) {
    if (!shards.contains(i)) {
      refuse("shard " + std::to_string(i) + "/" + std::to_string(count) + " is missing");
    }
    ordered.push_back(std::move(shards.at(i)));
  }
  if (ordered.size() != paths.size()) {
    refuse("the files are of runs with different numbers of shards");
  }
  return ordered;
}

// What was dealt out in turn is taken up in turn. rows_of: the rows of a shard.
template <typename RowsOf>
auto rows_in_turn(const std::string& command, std::vector<BenchReport>& shards, const RowsOf& rows_of) {
  std::size_t count = 0;
  for (BenchReport& shard : shards) {
    count += rows_of(shard).size();
  }
  std::remove_reference_t<decltype(rows_of(shards[0]))> rows;
  for (std::size_t i = 0; i < count; ++i) {
    auto& own = rows_of(shards[i % shards.size()]);
    if (i / shards.size() >= own.size()) {
      throw InvalidInput("[" + command + "] shard " + std::to_string(i % shards.size() + 1) + " has " +
                         counted(own.size(), "row") + " of " + std::to_string(count) + " in all: some are missing");
    }
    rows.push_back(std::move(own[i / shards.size()]));
  }
  return rows;
}

// The responses of all shards, and what is shown of them in the order of the examples.
ResponseReport merged_responses(const std::string& command, std::vector<BenchReport>& shards) {
  ResponseReport merged;
  merged.examples = rows_in_turn(command, shards,
                                 [](BenchReport& shard) -> std::vector<Example>& { return shard.responses->examples; });
  std::map<std::string, ShownExample> shown;
  for (BenchReport& shard : shards) {
    for (ShownExample& example : shard.responses->shown) {
      const std::string id = example.id;
      shown.emplace(id, std::move(example));
    }
  }
  for (const Example& example : merged.examples) {
    if (const auto found = shown.find(example.request.id); found != shown.end()) {
      merged.shown.push_back(std::move(found->second));
    }
  }
  return merged;
}

}  // namespace

BenchReport read_report(const std::string& command, const std::string& path) {
  return read_bench_json(read_whole_file(command, path), path);
}

BenchReport merged_report(const std::string& command, const std::vector<std::string>& paths) {
  std::vector<BenchReport> shards = read_shards(command, paths);
  BenchReport report;
  report.benchmark = shards[0].benchmark;
  report.manifest = std::make_shared<nlohmann::ordered_json>(without_shard(*shards[0].manifest));
  report.faults = shards[0].faults;  // every shard reads all rows
  report.notes = shards[0].notes;
  for (std::size_t judge = 0; judge < shards[0].judges.size(); ++judge) {
    JudgeReport& own = report.judges.emplace_back();
    own.name = shards[0].judges[judge].name;
    own.fingerprint = shards[0].judges[judge].fingerprint;
    own.rows = rows_in_turn(command, shards, [&](BenchReport& shard) -> std::vector<JudgedExample>& {
      return shard.judges.at(judge).rows;
    });
  }
  if (shards[0].responses) {
    report.responses = merged_responses(command, shards);
  }
  return report;
}

}  // namespace endorm
