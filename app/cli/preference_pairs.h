#pragma once

#include <istream>
#include <string>

#include "score/record_input.h"

namespace endorm {

// Preference pairs of the rows of `endorm rank` and the records that they are of, in the same order, as JSON lines that
// preference trainers read. A record that says which response is chosen stays as it is and gains "chosen_reward",
// "rejected_reward", "margin", "probability" and "agrees"; of others the best response against the worst becomes a
// pair, beside their other fields. Pairs whose rewards differ by no more than minimum_margin are left out, ties of
// unlabelled responses always. Says on standard error what was written and how often the reward disagrees. Throws
// InvalidInput where the records are others, or have a field that a pair is to gain.
void write_preference_pairs(std::istream& ranking, RecordInput& records, const std::string& path,
                            double minimum_margin);

}  // namespace endorm
