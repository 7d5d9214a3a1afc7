#include "engine/accelerator/accelerator.h"

#include <cstring>
#include <string_view>

#include <ggml.h>

#include "engine/accelerator/mapped_pages.h"

namespace endorm {
namespace {

thread_local Accelerator* used_here = nullptr;

// Where int8 costs the most for the least work: keys and values are read by every later token, and what the first block
// gets wrong goes through all others. On SmolLM2-135M they are 7 % of the work and a fifth of int8's drift in the
// rewards.
bool is_sensitive(const ggml_tensor& weight) {
  const std::string_view name = weight.name;
  return name.starts_with("blk.0.") || name.find(".attn_k.") != std::string_view::npos ||
         name.find(".attn_v.") != std::string_view::npos;
}

}  // namespace

Accelerator::Accelerator(AcceleratorOptions options, std::unique_ptr<Products> products)
    : options_(std::move(options)), products_(std::move(products)) {
  if (products_) {
    report_.library = products_->name();
  }
}

Accelerator::~Accelerator() = default;

Accelerator::Use::Use(Accelerator* accelerator) : before_(used_here) { used_here = accelerator; }
Accelerator::Use::~Use() { used_here = before_; }
Accelerator* Accelerator::in_use() { return used_here; }

ProductType Accelerator::type_for(const ggml_tensor& weight) const {
  if (options_.precision == Precision::kFast && !is_sensitive(weight)) {
    return ProductType::kInt8;
  }
  switch (weight.type) {
    case GGML_TYPE_F32:
      return ProductType::kF32;  // a 16-bit type would lose what ggml keeps
    case GGML_TYPE_F16:
      return options_.wide_type == ProductType::kF16 ? ProductType::kF16 : ProductType::kF32;
    default:  // bf16 is bf16; and ggml rounds the activations of quantised weights to 8 bits, which loses more
      return options_.wide_type == ProductType::kF16 ? ProductType::kF32 : options_.wide_type;
  }
}

const PackedMatrix* Accelerator::packed(const ggml_tensor& weight, std::size_t first, std::size_t rows) {
  const auto* data = static_cast<const std::byte*>(weight.data) + first * weight.nb[1];
  if (const auto found = packed_.find(data); found != packed_.end()) {
    return found->second.get();
  }
  const auto width = static_cast<std::size_t>(weight.ne[0]);
  const ProductType type = type_for(weight);
  std::unique_ptr<PackedMatrix>& place = packed_[data];
  if (report_.packed_bytes + rows * width * product_type_bytes(type) > options_.packed_bytes_limit) {
    ++report_.unpacked_matrices;
    return nullptr;
  }
  const ggml_to_float_t to_float = ggml_get_type_traits(weight.type)->to_float;
  place = products_->pack(type, rows, width, [&](std::size_t row, float* values) {
    const std::byte* from = data + row * weight.nb[1];
    if (weight.type == GGML_TYPE_F32) {
      std::memcpy(values, from, width * sizeof(float));
    } else {
      to_float(from, values, static_cast<std::int64_t>(width));
    }
  });
  report_.packed_bytes += place->bytes();
  report_.released_bytes += release_mapped_pages(data, rows * weight.nb[1]);
  return place.get();
}

}  // namespace endorm
