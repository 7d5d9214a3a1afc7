#pragma once

#include <cstddef>

namespace endorm {

// out[i] = gelu(x[i]) * gate[i] (gate nullptr: * 1), in f32, with gelu in its tanh form, as the models that use it were
// trained with. ggml reads it from a table in half precision; this is within 1e-6 of its size.
void gelu(const float* x, const float* gate, std::size_t count, float* out);

}  // namespace endorm
