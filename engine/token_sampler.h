#pragma once

#include <span>

#include "engine/generator.h"

namespace endorm {

// Draws a token from softmax(logits / temperature), cut to the nucleus: the smallest set of the most likely tokens with
// at least the probability top_p together. logits [V]; uniform is a number on [0, 1). Temperature 0 gives the largest
// logit; of equal logits the first counts as larger. Probabilities are summed in double; -infinity is a masked token.
// Throws InvalidInput on a NaN or +infinity, and where every token is masked.
Token draw_token(std::span<const float> logits, const SamplingOptions& options, double uniform);
Token draw_token(std::span<const double> logits, const SamplingOptions& options, double uniform);

// Throws InvalidInput, naming the option, where one is out of its range: max_tokens and every stop string at least 1
// long, temperature 0 or a positive number (whose reciprocal is finite too), 0 < top_p <= 1.
void check_sampling(const SamplingOptions& options);

}  // namespace endorm
