#pragma once

#include <cstddef>

namespace endorm {

// out[i] = gelu(x[i]) * gate[i] (gate nullptr: * 1), in f32, with gelu in its tanh form, as the models that use it were
// trained with. ggml reads it from a table in half precision; this is within 1e-6 of its size.
void gelu(const float* x, const float* gate, std::size_t count, float* out);

// out[i] = x[i] weight[i] / sqrt(mean_j x[j]^2 + epsilon); the sum is in double. out may be x.
void rms_norm(const float* x, const float* weight, std::size_t count, float epsilon, float* out);

}  // namespace endorm
