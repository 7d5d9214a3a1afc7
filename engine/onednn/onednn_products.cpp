// The one file that names oneDNN. Written for its 2.6 and 3.x interfaces: no scales or zero points, which differ.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/errors.h"
#include "engine/accelerator/per_processor.h"
#include "engine/accelerator/products.h"

namespace endorm {
namespace {

using dnnl::memory;

// Rows of a product come in blocks of a few sizes, so that few kernels are generated, and what a row gives does not
// depend on how many rows there are.
constexpr std::size_t kRowStep = 32;
constexpr std::size_t kMostRows = 512;

memory::data_type data_type(ProductType type) {
  constexpr std::array kTypes = {memory::data_type::f32, memory::data_type::bf16, memory::data_type::f16,
                                 memory::data_type::s8};  // in their order
  return kTypes.at(static_cast<std::size_t>(type));
}

memory::dim dim(std::size_t value) { return static_cast<memory::dim>(value); }

memory::dims dims_of(const memory::desc& description) {
#if DNNL_VERSION_MAJOR >= 3
  return description.get_dims();
#else
  return description.dims();
#endif
}

class OneDnnMatrix final : public PackedMatrix {
 public:
  std::size_t bytes() const override { return packed.get_desc().get_size() + scales.size() * sizeof(float); }

  ProductType type = ProductType::kF32;
  std::size_t rows = 0;
  std::size_t width = 0;
  memory packed;
  std::vector<float> scales;  // [N], of kInt8
};

// The library takes its threads from OpenMP's setting of the calling thread.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

ENDORM_PER_PROCESSOR void scale_row(float row_scale, std::span<const float> column_scales, float* row) {
  for (std::size_t n = 0; n < column_scales.size(); ++n) {
    row[n] = static_cast<float>(std::bit_cast<std::int32_t>(row[n])) * (row_scale * column_scales[n]);
  }
}

class OneDnnProducts final : public Products {
 public:
  explicit OneDnnProducts(int threads) : threads_(threads) {}

  std::string name() const override {
    const dnnl_version_t* version = dnnl_version();
    return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->patch);
  }

  bool can(ProductType type) const override {
    constexpr std::size_t kSome = 64;
    try {
      const ThreadCount count(threads_);
      best_layout(type, kSome, kSome);
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }

  // Without VNNI the library adds products in pairs, in 16 bits that saturate: 2 * 255 * 127 is beyond them, 2 * 255 *
  // 63 is not (activations are shifted to 0 .. 255). So it is tried.
  float int8_weight_steps() override {
    if (!int8_weight_steps_) {
      int8_weight_steps_ = largest_numbers_multiply() ? kInt8Steps : 63.0F;
    }
    return *int8_weight_steps_;
  }

  std::unique_ptr<PackedMatrix> pack(ProductType type, std::size_t rows, std::size_t width,
                                     const RowReader& read_row) override {
    return pack_in_steps(type, rows, width, read_row, type == ProductType::kInt8 ? int8_weight_steps() : kInt8Steps);
  }

  void multiply(const Operand& x, const PackedMatrix& packed, float* out, std::size_t out_stride) override {
    const auto& w = dynamic_cast<const OneDnnMatrix&>(packed);
    if (x.type() != w.type || x.width() != w.width) {
      throw InternalError("[onednn] operands of different type or width");
    }
    try {
      const ThreadCount count(threads_);
      const std::size_t whole = x.rows() / kRowStep * kRowStep;
      for (std::size_t begin = 0; begin < whole; begin += kMostRows) {
        multiply_rows(x, w, begin, std::min(kMostRows, whole - begin), out + begin * out_stride, out_stride);
      }
      if (whole < x.rows()) {
        multiply_rest(x, w, whole, out, out_stride);
      }
    } catch (const dnnl::error& error) {
      throw EngineError(std::string("[onednn] a matrix product failed: ") + error.what());
    }
  }

 private:
  std::unique_ptr<PackedMatrix> pack_in_steps(ProductType type, std::size_t rows, std::size_t width,
                                              const RowReader& read_row, float int8_steps) {
    try {
      const ThreadCount count(threads_);
      auto matrix = std::make_unique<OneDnnMatrix>();
      matrix->type = type;
      matrix->rows = rows;
      matrix->width = width;
      matrix->packed = memory(best_layout(type, rows, width), engine_);
      const std::size_t row_bytes = width * product_type_bytes(type);
      std::vector<std::byte> plain(rows * row_bytes);
      std::vector<float> scales(rows);
#pragma omp parallel num_threads(threads_)
      {
        std::vector<float> row(width);
#pragma omp for schedule(static)
        for (std::ptrdiff_t n = 0; n < static_cast<std::ptrdiff_t>(rows); ++n) {
          const auto at = static_cast<std::size_t>(n);
          read_row(at, row.data());
          scales[at] = convert_row(type, row, plain.data() + at * row_bytes, int8_steps);
        }
      }
      if (type == ProductType::kInt8) {
        matrix->scales = std::move(scales);
      }
      memory from({{dim(width), dim(rows)}, data_type(type), memory::format_tag::ba}, engine_, plain.data());
      dnnl::reorder(from, matrix->packed).execute(stream_, from, matrix->packed);
      stream_.wait();
      return matrix;
    } catch (const dnnl::error& error) {
      throw EngineError("[onednn] packing a " + std::to_string(rows) + " x " + std::to_string(width) + " " +
                        product_type_name(type) + " matrix failed: " + error.what());
    }
  }

  // Rows of a one and zeros, which the rotation makes the same number throughout: each rounds to the largest step, and
  // the product of two is 1.
  bool largest_numbers_multiply() {
    constexpr std::size_t kWidth = 256;
    constexpr std::size_t kColumns = 64;
    const RowReader one = [](std::size_t, float* row) {
      std::fill_n(row, kWidth, 0.0F);
      row[0] = 1.0F;
    };
    const auto weight = pack_in_steps(ProductType::kInt8, kColumns, kWidth, one, kInt8Steps);
    std::vector<float> ones(kRowStep * kWidth, 0.0F);
    for (std::size_t row = 0; row < kRowStep; ++row) {
      ones[row * kWidth] = 1.0F;
    }
    Operand x;
    x.convert(ProductType::kInt8, ones.data(), kRowStep, kWidth, kWidth, threads_);
    std::vector<float> products(kRowStep * kColumns);
    multiply(x, *weight, products.data(), kColumns);
    return std::all_of(products.begin(), products.end(),
                       [](float product) { return std::abs(product - 1.0F) < 1e-3F; });
  }

  using Description = dnnl::matmul::primitive_desc;

  struct Kernel {
    Description description;
    dnnl::matmul product;
  };

  Description describe(ProductType type, std::size_t rows, std::size_t out_stride, const memory::desc& w) const {
    const memory::data_type sums = type == ProductType::kInt8 ? memory::data_type::s32 : memory::data_type::f32;
    const memory::dim width = dims_of(w)[0];
    const memory::dim columns = dims_of(w)[1];
    const memory::desc x({dim(rows), width}, data_type(type), memory::format_tag::ab);
    const memory::desc out({dim(rows), columns}, sums, memory::dims{dim(out_stride), 1});
#if DNNL_VERSION_MAJOR >= 3
    return {engine_, x, w, out};
#else
    return {dnnl::matmul::desc(x, w, out), engine_};
#endif
  }

  // The layout that the library likes best for W^T [K,N].
  memory::desc best_layout(ProductType type, std::size_t columns, std::size_t width) const {
    const memory::desc any({dim(width), dim(columns)}, data_type(type), memory::format_tag::any);
    return describe(type, kMostRows, columns, any).weights_desc();
  }

  // Asked for with the layout that the weights have, so that every size of block reads the same packed weights.
  const Kernel& kernel(const OneDnnMatrix& w, std::size_t rows, std::size_t out_stride) {
    const auto key = std::make_tuple(w.type, rows, w.rows, w.width, out_stride);
    auto found = kernels_.find(key);
    if (found == kernels_.end()) {
      const Description description = describe(w.type, rows, out_stride, w.packed.get_desc());
      found = kernels_.emplace(key, Kernel{description, dnnl::matmul(description)}).first;
    }
    return found->second;
  }

  void multiply_rows(const Operand& x, const OneDnnMatrix& w, std::size_t begin, std::size_t rows, float* out,
                     std::size_t out_stride) {
    const Kernel& use = kernel(w, rows, out_stride);
    const std::size_t row_bytes = w.width * product_type_bytes(w.type);
    auto* from = const_cast<std::byte*>(static_cast<const std::byte*>(x.data()) + begin * row_bytes);
    const memory source(use.description.src_desc(), engine_, from);
    const memory target(use.description.dst_desc(), engine_, out);
    use.product.execute(stream_, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, w.packed}, {DNNL_ARG_DST, target}});
    stream_.wait();
    if (w.type == ProductType::kInt8) {
      scale(x.row_scales().subspan(begin, rows), w.scales, out, out_stride);
    }
  }

  // The rows behind the last whole step: as a block that ends with them and begins before them (those rows come out as
  // they are already), or, where there are too few, padded.
  void multiply_rest(const Operand& x, const OneDnnMatrix& w, std::size_t begin, float* out, std::size_t out_stride) {
    if (x.rows() >= kRowStep) {
      const std::size_t back = x.rows() - kRowStep;
      multiply_rows(x, w, back, kRowStep, out + back * out_stride, out_stride);
      return;
    }
    const std::size_t bytes = x.width() * product_type_bytes(w.type);
    padded_rows_.assign(kRowStep * bytes, std::byte{0});
    const auto* from = static_cast<const std::byte*>(x.data());
    std::copy(from, from + x.rows() * bytes, padded_rows_.begin());
    padded_out_.resize(kRowStep * w.rows);
    const Kernel& use = kernel(w, kRowStep, w.rows);
    const memory source(use.description.src_desc(), engine_, padded_rows_.data());
    const memory target(use.description.dst_desc(), engine_, padded_out_.data());
    use.product.execute(stream_, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, w.packed}, {DNNL_ARG_DST, target}});
    stream_.wait();
    if (w.type == ProductType::kInt8) {
      scale(x.row_scales(), w.scales, padded_out_.data(), w.rows);
    }
    for (std::size_t m = begin; m < x.rows(); ++m) {
      std::copy_n(padded_out_.begin() + static_cast<std::ptrdiff_t>(m * w.rows), w.rows, out + m * out_stride);
    }
  }

  // Whole sums [M,N] to numbers, in place: out[m,n] = sums[m,n] * row_scales[m] * column_scales[n].
  void scale(std::span<const float> row_scales, std::span<const float> column_scales, float* out,
             std::size_t stride) const {
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (std::ptrdiff_t m = 0; m < static_cast<std::ptrdiff_t>(row_scales.size()); ++m) {
      scale_row(row_scales[static_cast<std::size_t>(m)], column_scales, out + static_cast<std::size_t>(m) * stride);
    }
  }

  int threads_;
  std::optional<float> int8_weight_steps_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<std::tuple<ProductType, std::size_t, std::size_t, std::size_t, std::size_t>, Kernel> kernels_;
  std::vector<std::byte> padded_rows_;
  std::vector<float> padded_out_;
};

}  // namespace

std::unique_ptr<Products> make_onednn_products(int threads) { return std::make_unique<OneDnnProducts>(threads); }

}  // namespace endorm
