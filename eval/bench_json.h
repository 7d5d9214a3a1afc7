#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "eval/bench_report.h"

namespace endorm {

inline constexpr int kBenchFormat = 1;  // "endorm_bench": the version of the format

// The whole report as one JSON object; docs/bench-json.md has the fields. Without `rows`, the verdicts on each example
// are left out.
nlohmann::ordered_json bench_value(const BenchReport& report, bool rows);

// The same as a text; the same report gives the same bytes.
std::string bench_json(const BenchReport& report, bool rows);

// Everything but what measure_report computes from it again. Throws InvalidInput where the text is no such JSON, or has
// no rows.
BenchReport read_bench_json(std::string_view text, const std::string& name);

}  // namespace endorm
