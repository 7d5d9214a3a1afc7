#pragma once

#include <string>
#include <string_view>

#include "eval/bench_report.h"

namespace endorm {

// The whole report as one JSON text; docs/bench-json.md has the fields. The same report gives the same bytes. Without
// `rows`, the verdicts on each example are left out.
std::string bench_json(const BenchReport& report, bool rows);

// What of it other commands compute from again: manifest, benchmark, faults, notes, and name, fingerprint and rows of
// every judge. Throws InvalidInput where the text is no such JSON, or has no rows.
BenchReport read_bench_json(std::string_view text, const std::string& name);

}  // namespace endorm
