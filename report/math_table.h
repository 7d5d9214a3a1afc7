#pragma once

#include <string>

#include "eval/math_report.h"
#include "report/text_table.h"

namespace endorm {

// The tables of samples of mathematical suites: for each suite what a random sample, the vote, each judge's choice and
// the best of all give, the judges against chance and vote; subjects and levels; what the samples are like; failures
// and rows that were left out. Fractions are shown in percent.
std::string math_tables(const MathReport& report, TableForm form);

}  // namespace endorm
