#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/token_tree.h"

namespace endorm {

// One path to be scored behind its prefix.
struct Sequence {
  Tokens prefix;        // [P >= 1]
  Tokens continuation;  // [T]
};
// Statistics of the continuations, in the order of the sequences: [S][T].
using SequenceStats = std::vector<std::vector<TokenStats>>;

// All sequences in one tree, inserted in their order.
SequenceStats evaluate_together(Engine& engine, std::span<const Sequence> sequences,
                                const EvaluateOptions& options = {});
// Every sequence in a tree of its own.
SequenceStats evaluate_apart(Engine& engine, std::span<const Sequence> sequences);

// log softmax(Q)(a), nats, of statistics with alpha 1.
inline double log_prob(const TokenStats& stats) { return stats.logit - stats.log_sum_exp; }

// max(a, b), and NaN where either is NaN.
inline double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }
// Largest difference of a log-probability, nats. NaN where one is NaN; shapes that differ fail the test.
double worst_log_prob_difference(const SequenceStats& found, const SequenceStats& expected);

// Path of a file in tests/golden.
std::string golden_path(const std::string& file);
// Path of a small model with random weights in tests/golden.
std::string tiny_model_path(const std::string& name);

}  // namespace endorm
