#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "app/bench_settings.h"
#include "eval/bench_report.h"

namespace CLI {
class App;
}

namespace endorm {

// Where a report goes; the tables go to standard output as well.
struct ReportOutputs {
  std::string json;      // file; empty: none
  std::string markdown;  // file
  std::string html;      // file
  bool no_rows = false;  // in json
};

struct BenchFlags : BenchSettings {  // and where it goes
  ReportOutputs outputs;
  std::size_t shown = 40;
  std::string rows;  // directory
  bool overwrite = false;
  std::string cache;
  bool no_cache = false;
};

// All but the data and the judges: the options of the benchmark that `wanted` takes, where the report goes, rewards,
// judges' parts, model.
void add_bench_flags(CLI::App& command, BenchFlags& flags,
                     const std::function<bool(const OptionFacts&)>& wanted = nullptr);

// Throws InvalidInput in the name of `command` where the directory of a file is missing.
void check_outputs(const std::string& command, const ReportOutputs& outputs, std::span<const std::string> inputs);

// Throws EngineError where a file cannot be written, RowsFailed where rows were left out, a question was
// not asked or a judge gave no verdict.
void write_report(const std::string& command, const BenchReport& report, const ReportOutputs& outputs);

// bench list, bench compare, bench merge: what needs no model.
void add_bench_json_commands(CLI::App& bench);

// `endorm COMMAND merge`.
void add_merge_command(CLI::App& parent, const std::string& command);

}  // namespace endorm
