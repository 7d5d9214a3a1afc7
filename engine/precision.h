#pragma once

namespace endorm {

// In which arithmetic a model's matrix products are computed.
enum class Precision {
  kExact,   // f32, or a 16-bit type where that is faster here and loses nothing against llama.cpp's own kernels
  kFast,    // int8: rotated activations and weights, a scale a row
  kNative,  // llama.cpp's own kernels
};

const char* precision_name(Precision precision);

}  // namespace endorm
