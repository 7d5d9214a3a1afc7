#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/accelerator/operand.h"

namespace endorm {

// A weight matrix W [N,K] in the layout that its products want.
class PackedMatrix {
 public:
  virtual ~PackedMatrix() = default;
  virtual std::size_t bytes() const = 0;
};

// Matrix products with weights that are packed once. One caller at a time; the work runs on `threads` OpenMP threads.
class Products {
 public:
  virtual ~Products() = default;

  // The library and its version.
  virtual std::string name() const = 0;
  // Whether this processor and this library multiply the type at all.
  virtual bool can(ProductType type) const = 0;
  // In how many steps each way kInt8 rounds weights: kInt8Steps, or half of them where sums of whole ones would not be
  // exact on this processor.
  virtual float int8_weight_steps() = 0;

  // Writes row n of W as K numbers in f32.
  using RowReader = std::function<void(std::size_t row, float* values)>;
  // W [N,K], N = rows, K = width. Throws EngineError where the library fails.
  virtual std::unique_ptr<PackedMatrix> pack(ProductType type, std::size_t rows, std::size_t width,
                                             const RowReader& read_row) = 0;
  // out [M,N] = X [M,K] W^T, in f32; row m of out begins at out + m * out_stride. X has the type and width of W.
  virtual void multiply(const Operand& x, const PackedMatrix& w, float* out, std::size_t out_stride) = 0;
};

// The products of oneDNN; nothing where the build has none.
std::unique_ptr<Products> make_onednn_products(int threads);

}  // namespace endorm
