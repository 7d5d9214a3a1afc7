#pragma once

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
  std::span<const PartFile> parts = {};  // empty: every .json and .jsonl file of the directory, each a part by its stem
  std::string_view folder = {};          // where its repository keeps the files; searched after the directory itself
  RowGatherer gather = nullptr;          // none: every row stands for itself
  FigurePlanner plan_without_judge = nullptr;  // figures that need none, where there are such
};

// Throws InvalidInput, in the name of `function`, on an unknown name, listing the known ones.
const Benchmark& benchmark_named(std::string_view function, std::string_view name);

struct FoundFile {
  std::string part;
  std::string path;
};

// The files at a path: a directory that holds some of the benchmark's files, or one file. Parts that are not there are
// noted. Throws InvalidInput where there are none, naming them and where they are to be had.
std::vector<FoundFile> find_files(const Benchmark& benchmark, const std::string& path, std::vector<std::string>& notes);

}  // namespace endorm
