#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/metric_plans.h"
#include "eval/row_reader.h"

namespace endorm {

// One of the files in which a benchmark is published.
struct PartFile {
  std::string_view part;  // what it holds: a domain, a split; empty: the whole benchmark
  std::string_view path;  // relative to the benchmark's directory
};

using FigurePlanner = Plan (*)(std::span<const JudgedExample> judged, const MetricOptions& options);

// A benchmark: how it is read, and its figures.
struct Benchmark {
  BenchmarkName named;
  RowReader read_row = nullptr;
  FigurePlanner plan = nullptr;
  std::span<const PartFile> parts = {};  // empty: every file of rows in the directory, each a part by its stem
  std::string_view folder = {};          // where its repository keeps the files; searched after the directory itself
  RowGatherer gather = nullptr;          // none: every row stands for itself
  FigurePlanner plan_without_judge = nullptr;  // figures that need none, where there are such
  std::array<std::string_view, 2> stems = {};  // of a suite's file, and of a directory with its test.jsonl
  TieRule ties = TieRule::kWrong;              // its own rule
  bool reads_records = false;  // its rows are records in any form and layout that `score` reads, mapped by `map`
  void (*finish)(Example& example, std::uint64_t order_seed) = finish_example;
};

// The row of a table that is called `name`. Throws InvalidInput, in the name of `function`, where there is none; it
// tells what is called so, such as "benchmark", which there are, and `otherwise`.
const Benchmark& row_named(std::span<const Benchmark> table, std::string_view function, std::string_view what,
                           std::string_view name, std::string_view otherwise = {});
std::vector<BenchmarkName> names_of(std::span<const Benchmark> table);

// Of the table of benchmarks. Throws as row_named.
const Benchmark& benchmark_named(std::string_view function, std::string_view name);

struct FoundFile {
  std::string part;
  std::string path;
};

// The files at a path: a directory that holds some of the benchmark's files, or one file. Parts that are not there are
// noted. Throws InvalidInput where there are none, naming them and where they are to be had.
std::vector<FoundFile> find_files(const Benchmark& benchmark, const std::string& path, std::vector<std::string>& notes);
bool is_file(const std::filesystem::path& path);

// Adds a file's examples, what it is and the faults of its rows to the data; ids: those of all files. Throws
// InvalidInput, in the name of `function`, where no row can be used.
void read_file(std::string_view function, const Benchmark& benchmark, const FoundFile& file, const ReadOptions& options,
               std::set<std::string>& ids, DataSet& data);

}  // namespace endorm
