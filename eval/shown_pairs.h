#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eval/bench_report.h"

namespace endorm {

// At most `most` pairs with their tokens, for people: those that the judge lost by most, and won by most, half of each.
// rows [examples]: its verdicts. The scorer is asked about them again; none where it reads no tokens.
std::vector<ShownPair> shown_pairs(std::span<const Example> examples, std::span<const JudgedExample> rows,
                                   Scorer& scorer, std::size_t most);

}  // namespace endorm
