#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/example.h"

namespace endorm {

// A benchmark that read_benchmark knows.
struct BenchmarkName {
  std::string_view name;
  std::string_view description;  // one line
  std::string_view files;        // what it reads, relative to the directory that is given
  std::string_view source;       // where the files are to be had
};

std::vector<BenchmarkName> benchmark_names();

// What is read of a benchmark's files. Everything here changes the numbers.
struct ReadOptions {
  // At most so many usable rows of each file (multifaceted: instructions); none: all.
  std::optional<std::size_t> limit = std::nullopt;
  std::optional<std::uint64_t> sample_seed = std::nullopt;  // with a limit: a random choice of the rows, in the file's
                                                            // order; none: the first ones
  std::uint64_t order_seed = 0;  // of the order in which a request shows its responses: by a hash of it and the id
  bool system_messages = true;   // dsp, multifaceted: under each system message; false: once, under none
  std::string step_separator = "\n\n";  // stands between the steps of a solution
  std::string map = {};                 // FieldMap::parse, of records of one's own: pairs, bestof, steps
};

// Reads a benchmark as it was published: from a directory that holds its files, or from one file of them. A row that
// cannot be used becomes a RowFault and the rest is kept. The order of responses in a request does not tell the label.
// A row may give several examples (one a system message). Throws InvalidInput on an unknown name (listing the known
// ones), where none of the benchmark's files is there (naming them, and where they are to be had), where a file is not
// JSON of the expected shape, where a limit of 0 is asked for, and on a map of a published benchmark.
DataSet read_benchmark(std::string_view name, const std::string& path, const ReadOptions& options = {});

}  // namespace endorm
