#pragma once

#include <cstddef>
#include <string>

namespace endorm {

// Seconds spent in each part of the passes so far.
struct AcceleratorProfile {
  double products = 0.0;
  double conversions = 0.0;
  double attention = 0.0;
  double head = 0.0;
  double activations = 0.0;
  double ggml = 0.0;  // everything that is left to ggml's own kernels
};

// What an accelerator has done so far.
struct AcceleratorReport {
  std::string library;                // of matrix products; empty where they are ggml's own
  std::size_t packed_bytes = 0;       // weights in the layout of their products
  std::size_t released_bytes = 0;     // of the mapped model file, given back to the system once packed
  std::size_t unpacked_matrices = 0;  // left to ggml because AcceleratorOptions::packed_bytes_limit was reached
  AcceleratorProfile profile;
};

}  // namespace endorm
