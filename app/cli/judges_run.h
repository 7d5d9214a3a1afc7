#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/bench_report.h"
#include "eval/benchmarks.h"
#include "judge/judge.h"
#include "score/result_log.h"

namespace endorm {

// What the questions of a judge to a server cost, on standard error; nothing of any other.
void tell_account(const Judge& judge);

// Names and descriptions of all judges, and of benchmarks with their files, on standard output.
void print_judges();
void print_names(const char* what, const std::vector<BenchmarkName>& names);

// Where rows are kept, and what they depend on.
struct KeptRows {
  std::string directory;  // empty: they are not kept
  std::string file;
  std::string manifest;
  bool overwrite = false;  // false: a file of an earlier run is continued

  std::string path() const { return directory + "/" + file; }
};

// The file of the rows, its notices told on standard error; none where they are not kept. Throws as ResultLog::open.
std::optional<ResultLog> open_rows(const KeptRows& kept);

// Every judge on all examples, each with its progress on standard error: adds their rows to the report. kept: where
// those of a judge are.
void add_judges(BenchReport& report, std::span<const Example> examples, std::span<const Judge> judges,
                const ScoreOptions& score, const Engine& engine, const std::function<KeptRows(const Judge&)>& kept);

}  // namespace endorm
