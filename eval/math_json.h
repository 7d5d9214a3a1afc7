#pragma once

#include <string>
#include <string_view>

#include "eval/math_report.h"

namespace endorm {

// The report as one JSON text; docs/math.md has the fields. The same report gives the same bytes. Without `rows`, the
// problems with their samples, and the judges' verdicts on them, are left out.
std::string math_json(const MathReport& report, bool rows = true);

// Everything but what measure_math computes again: manifest, faults, rows, the judges with theirs, and what is shown.
// Throws InvalidInput where the text is no such JSON, or has no rows.
MathReport read_math_json(std::string_view text, const std::string& name);

}  // namespace endorm
