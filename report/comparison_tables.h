#pragma once

#include <string>

#include "eval/bench_report.h"
#include "report/text_table.h"

namespace endorm {

// Tables of differences, each with one column of p-values: those to quote, corrected after Holm where judges stand
// beside each other.

// "accuracy, chat (mean)": name, group and variant.
std::string figure_name(const Figure& figure);

// Every figure of two judges.
std::string comparison_table(const std::string& first, const std::string& second, const JudgeComparison& comparison,
                             TableForm form);

// The first judge against each other one by the first figure; empty where there is no other.
std::string against_table(const BenchReport& report, TableForm form);

// What each judge's choice is ahead of other ways of choosing on the same questions; empty where there is none.
std::string differences_table(const BenchReport& report, TableForm form);

// Whether an interval or a p-value of a report is not the bootstrap's, and what a reader must then know.
bool any_of_few_groups(const BenchReport& report);
std::string few_groups_sentence();

}  // namespace endorm
