#pragma once

#include <string>

#include "eval/math_report.h"

namespace endorm {

// The samples of mathematical suites as one self-contained HTML page: it opens offline and loads nothing. Texts of the
// report are data to the page, never markup. Every figure, count, problem and sample is in it, with every judge's
// reward of each sample, and the tokens of the problems under MathReport::shown.
std::string render_math_page(const MathReport& report);

}  // namespace endorm
