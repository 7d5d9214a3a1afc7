#pragma once

#include <span>
#include <string>

#include "eval/score_comparison.h"
#include "report/text_table.h"

namespace endorm {

// Result files beside each other, and every two of them. names: of the files, as many.
std::string score_comparison_table(std::span<const std::string> names, const ScoreComparison& comparison,
                                   TableForm form);

}  // namespace endorm
