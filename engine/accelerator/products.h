#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace endorm {

enum class ProductType { kF32, kBf16, kF16, kInt8 };

const char* product_type_name(ProductType type);
std::size_t product_type_bytes(ProductType type);

// Rows of activations X [M,K], converted for products of one type. kInt8: each row is rotated (see rotation_block),
// scaled by its largest entry and rounded: X[m] is about row_scales[m] times the integers. A buffer is kept and used
// again by the next conversion.
class Operand {
 public:
  // x [M,K]: row m begins at x + m * stride. kF32 keeps a pointer to contiguous rows, so x must live as long as it is
  // used.
  void convert(ProductType type, const float* x, std::size_t rows, std::size_t width, std::size_t stride, int threads);

  ProductType type() const { return type_; }
  std::size_t rows() const { return rows_; }
  std::size_t width() const { return width_; }
  // [M,K], contiguous.
  const void* data() const { return data_; }
  std::span<const float> row_scales() const { return row_scales_; }

 private:
  ProductType type_ = ProductType::kF32;
  std::size_t rows_ = 0;
  std::size_t width_ = 0;
  const void* data_ = nullptr;
  std::vector<std::byte> buffer_;
  std::vector<float> row_scales_;
};

// The whole numbers of kInt8 go from -kInt8Steps to kInt8Steps.
inline constexpr float kInt8Steps = 127.0F;

// One row [K] in f32 to the type, for packing weights; kInt8 in so many steps each way. Returns the scale of kInt8, 1
// for the others.
float convert_row(ProductType type, std::span<float> row, void* out, float int8_steps = kInt8Steps);

// kInt8 multiplies X H and W H in place of X and W, with H a block-diagonal Hadamard matrix over blocks of this many
// columns (H H^T = 1, so the product is the same): an outlier channel is spread over its block before it is rounded.
// The largest power of two that divides width, at most 256. (QuaRot, arXiv:2404.00456.)
std::size_t rotation_block(std::size_t width);

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
