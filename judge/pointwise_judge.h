#pragma once

#include "judge/judge.h"

namespace endorm {

// The model writes an integer from 1 to 10 about each response (judge/prompts/pointwise.txt): at temperature 0, at most
// 4 tokens, and the first integer counts (parse_rating). A reply without one is asked for again up to twice, at
// temperature 0.5 with a seed drawn from parts.seed, Request::key and the response's place (at 0 the model would repeat
// itself); where all three have none the reward is 5, and ScoredResponse::unparsed is 1. Throws InvalidInput where the
// engine cannot generate.
Judge make_pointwise(const JudgeParts& parts);

}  // namespace endorm
