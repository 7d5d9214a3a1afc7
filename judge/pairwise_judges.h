#pragma once

#include "judge/judge.h"

namespace endorm {

// The model is shown two responses as A and B and writes which is better, at temperature 0. Judge::compares_pairs: of a
// request with n responses every pair is asked about, and a response's reward is its wins over n - 1, a tie being half
// a win. A reply without a verdict is a tie in that order, and ScoredResponse::unparsed of both counts it. replies of a
// response are about the others in their order; of each, the reply that saw this response as A, then as B. A request
// with one response is an error, and so is a response with a pair that could not be asked about. All throw InvalidInput
// where the engine cannot generate.

// One letter (judge/prompts/pairwise.txt, parse_letter), asked in both orders: a response wins where both say so,
// anything else is a tie.
Judge make_pairwise(const JudgeParts& parts);

// The same asked once: which of the two is A is drawn from a hash of parts.seed, Request::key and the pair.
Judge make_pairwise_once(const JudgeParts& parts);

// Five verdicts (judge/prompts/pairwise-five.txt, parse_five) that count 2, 1, 0, -1, -2 for A, summed over both
// orders: a response wins where its sum is positive.
Judge make_pairwise_five(const JudgeParts& parts);

}  // namespace endorm
