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

// Fills what the report shows token by token, by its first judge, whose scorer this is: pairs, or the responses of
// examples that the report keeps.
void add_shown(BenchReport& report, std::span<const Example> examples, Scorer& scorer, std::size_t most);

// At most `most` examples with the tokens of their responses, evenly taken from all that have some. The scorer is asked
// about them; none where it reads no tokens.
std::vector<ShownExample> shown_examples(std::span<const Example> examples, Scorer& scorer, std::size_t most);

}  // namespace endorm
