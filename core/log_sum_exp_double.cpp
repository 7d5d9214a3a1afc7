#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/errors.h"
#include "core/log_sum_exp.h"
#include "core/temperature.h"

namespace endorm {
namespace {

// The first of the largest logits.
std::size_t place_of_largest(std::span<const double> logits) {
  if (logits.empty()) {
    throw InvalidInput("[row_statistics] the row of logits is empty. Give at least one logit.");
  }
  std::size_t top = 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    if (std::isnan(logits[token]) || logits[token] == std::numeric_limits<double>::infinity()) {
      throw InvalidInput("[row_statistics] logit " + std::to_string(token) + " is " + std::to_string(logits[token]) +
                         ". Give finite logits, or -infinity for a masked token.");
    }
    if (logits[token] > logits[top]) {
      top = token;
    }
  }
  if (!std::isfinite(logits[top])) {
    throw InvalidInput(
        "[row_statistics] every logit is -infinity: no token is possible. Give at least one finite logit.");
  }
  return top;
}

}  // namespace

double largest_logit(std::span<const double> logits) { return logits[place_of_largest(logits)]; }

RowWeights row_weights(std::span<const double> logits, double alpha) {
  require_temperature(alpha, "row_weights");
  RowWeights weights{largest_logit(logits), {}};
  for (std::size_t begin = 0; begin < logits.size(); begin += kWeightBlock) {
    double sum = 0.0;
    for (const double logit : logits.subspan(begin, std::min(kWeightBlock, logits.size() - begin))) {
      sum += std::exp((logit - weights.maximum) / alpha);
    }
    weights.block_sums.push_back(sum);
  }
  return weights;
}

RowStatistics row_statistics(std::span<const double> logits, double alpha) {
  require_temperature(alpha, "row_statistics");
  const std::size_t top = place_of_largest(logits);
  const double largest = logits[top];
  // With x_a = (q_a - q_top) / alpha <= 0: log_sum_exp = q_top / alpha + log(1 + rest) and, because the top token adds
  // nothing to the weighted sum, entropy = log(1 + rest) - sum_a exp(x_a) x_a / (1 + rest).
  double rest = 0.0;
  double weighted = 0.0;
  double shifted_sum = 0.0;
  double unmasked = 0.0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const double shifted = (logits[token] - largest) / alpha;
    const double weight = std::exp(shifted);
    if (std::isfinite(logits[token])) {
      shifted_sum += shifted;
      unmasked += 1.0;
    }
    if (token != top && weight > 0.0) {
      rest += weight;
      weighted += weight * shifted;
    }
  }
  const RowStatistics row{largest / alpha + std::log1p(rest), std::log1p(rest) - weighted / (1.0 + rest),
                          std::log1p(rest) - shifted_sum / unmasked - std::log(unmasked), LargestLogit{top, largest}};
  if (!std::isfinite(row.log_sum_exp)) {
    throw InvalidInput("[row_statistics] the largest logit " + std::to_string(largest) + " divided by alpha " +
                       std::to_string(alpha) + " is beyond the range of double. Raise alpha.");
  }
  return row;
}

}  // namespace endorm
