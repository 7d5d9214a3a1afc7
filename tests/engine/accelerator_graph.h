#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "engine/accelerator/accelerator.h"

struct ggml_context;
struct ggml_tensor;

namespace endorm {

// An accelerator as the engine makes it, with two threads; nullptr where the build has no oneDNN and products are
// asked.
std::unique_ptr<Accelerator> test_accelerator(Precision precision, ProductType wide_type,
                                              std::size_t packed_bytes_limit = SIZE_MAX);

// Computes one node on the accelerator's device. `build` makes the tensors: weights in the first context, which are put
// into a buffer of weights, and the node in the second. `fill` writes the inputs.
std::vector<float> compute_on_device(Accelerator& accelerator, const std::function<void(ggml_context*)>& build_weights,
                                     const std::function<ggml_tensor*(ggml_context*)>& build_node,
                                     const std::function<void()>& fill);

}  // namespace endorm
