#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/accelerator/products.h"

namespace endorm {

// A weight matrix [N,K] of a model, and how many of this shape it has.
struct ProductShape {
  std::size_t rows = 0;
  std::size_t width = 0;
  std::size_t count = 0;
};

struct TypeChoice {
  ProductType type = ProductType::kF32;
  std::string reason;  // what was measured
};

// The type among f32, bf16 and f16 in which this machine multiplies these shapes fastest; f32 unless another one is
// faster by a tenth. Measured once for a machine, a library, a number of threads and a set of shapes, and kept in
// cache_directory (empty: measured every time).
TypeChoice choose_product_type(Products& products, const std::vector<ProductShape>& shapes, int threads,
                               const std::string& cache_directory);

}  // namespace endorm
