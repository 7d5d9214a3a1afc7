#pragma once

#include <string>

#include "score/endogenous_scorer.h"

namespace endorm {

// Every option that changes a number read from tokens, in one line: part of Judge::fingerprint.
std::string score_fingerprint(const ScoreOptions& options);

}  // namespace endorm
