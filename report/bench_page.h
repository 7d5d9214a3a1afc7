#pragma once

#include <string>

#include "eval/bench_report.h"

namespace endorm {

struct BenchPageOptions {
  std::string title;  // empty: "EndoRM on " and the name of the benchmark, or of its subsets
};

// A benchmark's report, measured, as one self-contained HTML page: it opens offline and loads nothing. Texts of the
// report are data to the page, never markup. Every figure, matrix, comparison, correlation and bin is in it; of the
// rows only the verdicts on the pairs under BenchReport::shown; of best of several every response with every reward.
std::string render_bench_page(const BenchReport& report, const BenchPageOptions& options = {});

}  // namespace endorm
