#pragma once

#include <string>

#include "eval/bench_report.h"
#include "report/text_table.h"

namespace endorm {

// A benchmark's tables for people: each judge's first figure with interval, n, ties, failures and correlation with
// length; every figure of every judge; matrices; the first judge against each other one; a sweep; notes and rows that
// were left out. Fractions are shown in percent.
std::string bench_tables(const BenchReport& report, TableForm form);

}  // namespace endorm
