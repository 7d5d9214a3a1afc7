#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eval/example.h"
#include "eval/judged.h"
#include "score/scorer.h"

namespace endorm {

// How examples are put to a judge.
struct JudgingOptions {
  bool compares_pairs = false;  // Judge::compares_pairs: it is asked about two responses at a time
  double alpha = 1.0;           // ScoreOptions::alpha of the judge
  std::size_t chunk = 16;       // tokens in a window of the step score "chunk"
};

// The example as a judge's row without any verdict: every reward and margin is absent.
JudgedExample unjudged(const Example& example);

// One verdict an example, in order; an example without responses has an empty one. Step scores of a judge that reads
// tokens: of each step "sum" and "mean" of what it reads, "drop" (the mean less that of the step before; the first
// step's is 0); and, where that is alpha log pi or a difference of it, "min" (the lowest token) and "chunk" (the lowest
// mean over windows of `chunk` tokens). Throws EngineError where nothing can be judged any more.
std::vector<JudgedExample> judge_examples(std::span<const Example> examples, Scorer& scorer,
                                          const JudgingOptions& options);

}  // namespace endorm
