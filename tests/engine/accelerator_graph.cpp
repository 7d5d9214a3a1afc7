#include "tests/engine/accelerator_graph.h"

#include <doctest/doctest.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include "engine/accelerator/accelerator.h"

namespace endorm {
namespace {

template <typename Handle, typename Free>
std::unique_ptr<Handle, Free> owned(Handle* handle, Free release) {
  return {handle, release};
}

ggml_context* metadata_only() {
  constexpr std::size_t kTensors = 64;
  return ggml_init(
      {.mem_size = kTensors * ggml_tensor_overhead() + ggml_graph_overhead(), .mem_buffer = nullptr, .no_alloc = true});
}

}  // namespace

std::unique_ptr<Accelerator> test_accelerator(Precision precision, ProductType wide_type,
                                              std::size_t packed_bytes_limit) {
  AcceleratorOptions options;
  options.precision = precision;
  options.wide_type = wide_type;
  options.threads = 2;
  options.packed_bytes_limit = packed_bytes_limit;
  return std::make_unique<Accelerator>(options, make_onednn_products(options.threads));
}

std::vector<float> compute_on_device(Accelerator& accelerator, const std::function<void(ggml_context*)>& build_weights,
                                     const std::function<ggml_tensor*(ggml_context*)>& build_node,
                                     const std::function<void()>& fill) {
  register_accelerator_device();
  const auto weights = owned(metadata_only(), ggml_free);
  build_weights(weights.get());
  const auto weight_buffer =
      owned(ggml_backend_alloc_ctx_tensors_from_buft(weights.get(), ggml_backend_cpu_buffer_type()),
            ggml_backend_buffer_free);
  if (weight_buffer) {
    ggml_backend_buffer_set_usage(weight_buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  }
  const auto nodes = owned(metadata_only(), ggml_free);
  ggml_tensor* node = build_node(nodes.get());
  const auto buffer = owned(ggml_backend_alloc_ctx_tensors_from_buft(nodes.get(), ggml_backend_cpu_buffer_type()),
                            ggml_backend_buffer_free);
  fill();

  const Accelerator::Use use(&accelerator);
  const auto backend = owned(ggml_backend_init_by_name("EndoRM", nullptr), ggml_backend_free);
  REQUIRE(backend);
  ggml_cgraph* graph = ggml_new_graph(nodes.get());
  ggml_build_forward_expand(graph, node);
  REQUIRE(ggml_backend_graph_compute(backend.get(), graph) == GGML_STATUS_SUCCESS);
  std::vector<float> out(static_cast<std::size_t>(ggml_nelements(node)));
  ggml_backend_tensor_get(node, out.data(), 0, out.size() * sizeof(float));
  return out;
}

}  // namespace endorm
