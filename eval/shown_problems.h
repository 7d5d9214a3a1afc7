#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "eval/math_report.h"
#include "score/scorer.h"

namespace endorm {

// At most `most` problems with the tokens of their samples, evenly taken from all of them. The scorer is asked about
// them; none where it reads no tokens.
std::vector<ShownProblem> shown_problems(std::span<const Example> examples, const std::string& judge, Scorer& scorer,
                                         std::size_t most);

}  // namespace endorm
