#include "engine/llama/llama_accelerator.h"

#include <array>
#include <limits>
#include <map>
#include <optional>

#include <ggml.h>

#include "core/errors.h"
#include "engine/accelerator/type_choice.h"
#include "engine/llama/llama_handles.h"
#include "engine/machine_share.h"
#include "engine/weights/gguf_file.h"

namespace endorm {
namespace {

// The matrices of the model file. Weights in f32 and f16 are not what 16-bit types are chosen for, but have the shapes.
std::vector<ProductShape> product_shapes(const std::string& path) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> counts;
  const GgufFile file(path);
  for (const ggml_tensor* const tensor : file.tensors()) {
    constexpr std::int64_t kSmallest = 32;
    if (tensor->ne[0] >= kSmallest && tensor->ne[1] >= kSmallest) {
      counts[{tensor->ne[1], tensor->ne[0]}] += static_cast<std::size_t>(tensor->ne[2] * tensor->ne[3]);
    }
  }
  std::vector<ProductShape> shapes;
  shapes.reserve(counts.size());
  for (const auto& [sides, count] : counts) {
    shapes.push_back({static_cast<std::size_t>(sides.first), static_cast<std::size_t>(sides.second), count});
  }
  return shapes;
}

// No limit where nobody says what is free.
std::size_t half_of_free_memory() {
  const std::optional<std::size_t> free = free_memory();
  return free ? *free / 2 : std::numeric_limits<std::size_t>::max();
}

std::string megabytes(std::size_t bytes) {
  constexpr std::size_t kMega = 1000000;
  return std::to_string(bytes / kMega) + " MB";
}

}  // namespace

LlamaEngineOptions with_precision(LlamaEngineOptions options) {
  if (uses_gpu(options)) {
    options.precision = Precision::kNative;
  }
  return options;
}

std::unique_ptr<Accelerator> make_accelerator(const LlamaEngineOptions& options) {
  if (options.precision == Precision::kNative) {
    return nullptr;
  }
  AcceleratorOptions wanted;
  wanted.precision = options.precision;
  wanted.threads = thread_count(options);
  wanted.packed_bytes_limit = options.packed_bytes ? *options.packed_bytes : half_of_free_memory();
  auto products = make_onednn_products(wanted.threads);
  if (options.precision == Precision::kFast && (!products || !products->can(ProductType::kInt8))) {
    throw InvalidInput(
        "[precision] fast needs oneDNN's int8 products, which this build does not have. Install libdnnl-dev and build "
        "again, or use --precision exact.");
  }
  if (products && options.f32_products) {
    wanted.choice = "f32 was asked for";  // the type that AcceleratorOptions begins with
  } else if (products) {
    const TypeChoice choice = choose_product_type(*products, product_shapes(options.model_path), wanted.threads,
                                                  options.choice_cache_directory);
    wanted.wide_type = choice.type;
    wanted.choice = choice.reason;
  } else {
    wanted.choice = "built without oneDNN: matrix products are llama.cpp's own";
  }
  return std::make_unique<Accelerator>(wanted, std::move(products));
}

std::string accelerator_name(const Accelerator* accelerator) {
  if (!accelerator) {
    return "native";
  }
  const AcceleratorOptions& options = accelerator->options();
  if (!accelerator->products()) {
    return "exact native";
  }
  const std::string wide = product_type_name(options.wide_type);
  if (options.precision != Precision::kFast) {
    return "exact " + wide;
  }
  const bool whole = accelerator->products()->int8_weight_steps() == kInt8Steps;
  return std::string(whole ? "fast int8 and " : "fast int8 (weights in 7 bits) and ") + wide;
}

AcceleratorInfo describe_accelerator(const Accelerator* accelerator, const LlamaEngineOptions& options) {
  AcceleratorInfo info;
  info.precision = options.precision;
  if (!accelerator) {
    info.reason = "llama.cpp's own kernels";
    return info;
  }
  info.report = accelerator->report();
  info.product_type = accelerator->products()
                          ? product_type_name(options.precision == Precision::kFast ? ProductType::kInt8
                                                                                    : accelerator->options().wide_type)
                          : "";
  info.reason = accelerator->options().choice;
  if (info.report.unpacked_matrices > 0) {
    info.reason += "; " + std::to_string(info.report.unpacked_matrices) + " matrices did not fit into " +
                   megabytes(accelerator->options().packed_bytes_limit) + " (--packed-memory)";
  }
  return info;
}

const char* precision_name(Precision precision) {
  constexpr std::array kNames = {"exact", "fast", "native"};  // in their order
  return kNames.at(static_cast<std::size_t>(precision));
}

}  // namespace endorm
