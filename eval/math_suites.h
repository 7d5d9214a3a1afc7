#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/benchmarks.h"

namespace endorm {

// The suites that read_math_suites knows; files: where a suite's file is looked for, relative to a directory of data.
std::vector<BenchmarkName> math_suite_names();

// Reads suites as they were published: examples of best of several without responses, whose one message is the question
// as it is asked and whose drawn->reference is the right answer. A suite is a known name, whose file is looked for in
// each of the directories in turn; or the path of a .json or .jsonl file of one's own with "question" and "answer". A
// row that cannot be used (a field is missing, the reference answer cannot be read) becomes a fault and the rest is
// kept. Throws InvalidInput on an unknown name (listing the known ones), where a suite stands twice or its file is
// nowhere (naming what was looked for and where it is to be had), where none of a file's rows can be used, and on a
// limit of 0. Of the options, limit (of each suite) and sample_seed are read. An id is "SUITE/ID", with the row's
// number where it has none; files are told by their names alone.
DataSet read_math_suites(std::span<const std::string> suites, std::span<const std::string> directories,
                         const ReadOptions& options = {});

}  // namespace endorm
