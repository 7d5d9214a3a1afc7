#pragma once

#include <optional>
#include <vector>

#include "core/log_sum_exp.h"

namespace endorm {

// What a model says about one scored token a_h at its state s_h. Everything the paper computes follows from these.
struct TokenStats {
  double logit = 0.0;             // Q(s_h, a_h), the raw logit of the token (arXiv:2506.23235, Proposition 1)
  double log_sum_exp = 0.0;       // log sum_a exp(Q(s_h, a) / alpha), so that V(s_h) = alpha * log_sum_exp
  std::optional<double> entropy;  // of softmax(Q(s_h, .) / alpha), nats; absent where the engine cannot give it
  // KL(uniform || softmax(Q(s_h, .) / alpha)) over the unmasked vocabulary, nats; absent where the engine cannot give
  // it
  std::optional<double> uniform_divergence = std::nullopt;
  std::optional<LargestLogit> largest = std::nullopt;  // of Q(s_h, .); a cache of statistics does not keep it
  // As many of the largest of Q(s_h, .) as were asked for, the largest first; a cache does not keep them either.
  std::vector<LargestLogit> likeliest = {};
};

// Of a token with this logit in a row whose statistics are known.
inline TokenStats token_stats(double logit, const RowStatistics& row) {
  return {logit, row.log_sum_exp, row.entropy, row.uniform_divergence, row.largest, {}};
}

}  // namespace endorm
