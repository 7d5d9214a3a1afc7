#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/row_reader.h"

namespace endorm {

// One of the files in which a benchmark is published.
struct PartFile {
  std::string_view part;  // what it holds: a domain, a split; empty: the whole benchmark
  std::string_view path;  // relative to the benchmark's directory
};

// How a benchmark is read.
struct BenchmarkReader {
  BenchmarkName named;
  RowReader read_row = nullptr;
  std::span<const PartFile> parts = {};  // empty: every .json and .jsonl file of the directory, each a part by its stem
  std::string_view folder = {};          // where its repository keeps the files; searched after the directory itself
  RowGatherer gather = nullptr;          // none: every row stands for itself
};

// Throws InvalidInput on an unknown name, listing the known ones.
const BenchmarkReader& benchmark_reader(std::string_view name);

struct FoundFile {
  std::string part;
  std::string path;
};

// The files at a path: a directory that holds some of the benchmark's files, or one file. Parts that are not there are
// noted. Throws InvalidInput where there are none, naming them and where they are to be had.
std::vector<FoundFile> find_files(const BenchmarkReader& benchmark, const std::string& path,
                                  std::vector<std::string>& notes);

}  // namespace endorm
