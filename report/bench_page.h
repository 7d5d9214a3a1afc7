#pragma once

#include <string>

#include "eval/bench_report.h"

namespace endorm {

struct BenchPageOptions {
  std::string title;  // empty: "EndoRM on " and the benchmark's name
};

// A benchmark's report, measured, as one self-contained HTML page: it opens offline and loads nothing. Texts of the
// report are data to the page, never markup. Every figure, matrix, comparison, correlation and bin is in it; of the
// rows only the verdicts on the pairs under BenchReport::shown.
std::string render_bench_page(const BenchReport& report, const BenchPageOptions& options = {});

}  // namespace endorm
