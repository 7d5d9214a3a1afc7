#pragma once

namespace endorm {

// Number formats that a weight is stored in without loss of shape: no blocks, one number an element.
enum class TensorType { kF32, kF16, kBf16 };

}  // namespace endorm
