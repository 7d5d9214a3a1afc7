#pragma once

#include <string>

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
  bool rows = true;      // in json
};

// Throws EngineError where a file cannot be written, RowsFailed where rows were left out or a judge gave no verdict.
void write_report(const BenchReport& report, const ReportOutputs& outputs);

// bench list, bench compare, bench merge: what needs no model.
void add_bench_json_commands(CLI::App& bench);

}  // namespace endorm
