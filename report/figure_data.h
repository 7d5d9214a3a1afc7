#pragma once

#include "eval/bench_report.h"
#include "report/data_table.h"

namespace endorm {

// Every figure of a benchmark as data, a row each: of each judge, of none (an empty name), and the differences between
// two judges (`against` is the second). Shares are in 0..1.
DataTable figure_data(const BenchReport& report);

}  // namespace endorm
