#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/bench_settings.h"
#include "app/cli/scoring_run.h"
#include "core/errors.h"
#include "report/terminal_text.h"

namespace endorm {

// The shards of one run in their order, each read from one of the files. A Report has a manifest and judges. Throws
// InvalidInput, in the name of `command`, where one is missing, stands twice or is of another run.
template <typename Report>
std::vector<Report> read_shards(const std::string& command, const std::vector<std::string>& paths,
                                const std::function<Report(const std::string& path)>& read) {
  const auto refuse = [&](const std::string& why) { throw InvalidInput("[" + command + "] " + why); };
  std::map<std::size_t, Report> shards;
  std::size_t count = paths.size();
  for (const std::string& path : paths) {
    Report report = read(path);
    const std::string text = shard_of(report.manifest);
    if (text.empty()) {
      refuse(path + " is of a whole run, not of a shard");
    }
    const Shard shard = shard_from(text);
    count = shard.count;
    const bool same =
        shards.empty() || (without_shard(shards.begin()->second.manifest) == without_shard(report.manifest) &&
                           shards.begin()->second.judges.size() == report.judges.size());
    if (!same) {
      refuse(path + " was made with other settings, files or model than " + paths[0]);
    }
    if (!shards.emplace(shard.index, std::move(report)).second) {
      std::string fact = "shard ";
      refuse(fact.append(text).append(" is there twice, once in ").append(path));
    }
  }
  std::vector<Report> ordered;
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

// What was dealt out in turn is taken up in turn. parts: of each shard. Throws InvalidInput where some are missing.
template <typename Row>
std::vector<Row> rows_in_turn(const std::string& command, std::vector<std::vector<Row>> parts) {
  std::size_t count = 0;
  for (const std::vector<Row>& part : parts) {
    count += part.size();
  }
  std::vector<Row> rows;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<Row>& own = parts[i % parts.size()];
    if (i / parts.size() >= own.size()) {
      throw InvalidInput("[" + command + "] shard " + std::to_string(i % parts.size() + 1) + " has " +
                         counted(own.size(), "row") + " of " + std::to_string(count) + " in all: some are missing");
    }
    rows.push_back(std::move(own[i / parts.size()]));
  }
  return rows;
}

}  // namespace endorm
