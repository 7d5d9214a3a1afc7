#pragma once

#include <string>
#include <vector>

#include "eval/bench_report.h"

namespace endorm {

// A file of --json, not measured. Throws InvalidInput, in the name of `command`, where it cannot be read.
BenchReport read_report(const std::string& command, const std::string& path);

// The report of the whole, not measured, of the files of all shards. Throws InvalidInput, in the name of `command`,
// where a shard is missing, stands twice or is of another run.
BenchReport merged_report(const std::string& command, const std::vector<std::string>& paths);

}  // namespace endorm
