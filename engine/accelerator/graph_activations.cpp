#include <cstring>

#include <ggml-impl.h>

#include "engine/accelerator/activations.h"
#include "engine/accelerator/graph_runner.h"

namespace endorm {

// ggml's own reads it from a table in half precision.
bool GraphRunner::is_gelu(const ggml_tensor& node) {
  return (node.op == GGML_OP_UNARY && ggml_get_unary_op(&node) == GGML_UNARY_OP_GELU) ||
         (node.op == GGML_OP_GLU && ggml_get_glu_op(&node) == GGML_GLU_OP_GEGLU);
}

// node [N, M...] = gelu(x) or gelu(x) gate; x and gate are two tensors, or the halves of one.
bool GraphRunner::activate(const ggml_tensor& node) {
  const ggml_tensor& x = *node.src[0];
  const ggml_tensor* gate = node.op == GGML_OP_GLU ? node.src[1] : nullptr;
  const bool halves = node.op == GGML_OP_GLU && !gate;
  if (x.type != GGML_TYPE_F32 || node.type != GGML_TYPE_F32 || !ggml_is_contiguous_1(&x) ||
      !ggml_is_contiguous_1(&node) || ggml_nrows(&x) != ggml_nrows(&node) ||
      (gate && (gate->type != GGML_TYPE_F32 || !ggml_is_contiguous_1(gate)))) {
    return false;
  }
  const Timed timed(accelerator_->profile().activations);
  const std::size_t width = size(node.ne[0]);
  std::int32_t swapped = 0;
  std::memcpy(&swapped, node.op_params + 1, sizeof swapped);
#pragma omp parallel for schedule(static) num_threads(accelerator_->options().threads)
  for (std::ptrdiff_t i = 0; i < ggml_nrows(&node); ++i) {
    const auto row = static_cast<std::size_t>(i);
    const auto* from = reinterpret_cast<const float*>(static_cast<const char*>(x.data) + row * x.nb[1]);
    const float* by =
        gate ? reinterpret_cast<const float*>(static_cast<const char*>(gate->data) + row * gate->nb[1]) : nullptr;
    if (halves) {
      by = swapped ? from : from + width;
      from = swapped ? from + width : from;
    }
    gelu(from, by, width, reinterpret_cast<float*>(static_cast<char*>(node.data) + row * node.nb[1]));
  }
  return true;
}

// The nodes at i and i + 1 are a root-mean-square norm and its weights, and nothing else reads the norm alone.
bool GraphRunner::normalize(const ggml_cgraph& graph, int i) {
  static constexpr ggml_op kOps[] = {GGML_OP_RMS_NORM, GGML_OP_MUL};
  if (graph.nodes[i]->op != GGML_OP_RMS_NORM || !ggml_can_fuse(&graph, i, kOps, 2)) {
    return false;
  }
  const ggml_tensor& norm = *graph.nodes[i];
  const ggml_tensor& node = *graph.nodes[i + 1];
  const ggml_tensor& x = *norm.src[0];
  const ggml_tensor& weight = node.src[0] == &norm ? *node.src[1] : *node.src[0];
  if (x.type != GGML_TYPE_F32 || node.type != GGML_TYPE_F32 || weight.type != GGML_TYPE_F32 ||
      ggml_nrows(&weight) != 1 || weight.ne[0] != node.ne[0] || x.nb[0] != sizeof(float) ||
      node.nb[0] != sizeof(float)) {
    return false;
  }
  const Timed timed(accelerator_->profile().activations);
  float epsilon = 0.0F;
  std::memcpy(&epsilon, norm.op_params, sizeof epsilon);
#pragma omp parallel for schedule(static) num_threads(accelerator_->options().threads)
  for (std::ptrdiff_t row = 0; row < ggml_nrows(&node); ++row) {
    const std::int64_t i1 = row % node.ne[1];
    const std::int64_t i2 = row / node.ne[1] % node.ne[2];
    const std::int64_t i3 = row / (node.ne[1] * node.ne[2]);
    const auto at = [&](const ggml_tensor& tensor) {
      return static_cast<char*>(tensor.data) + size(i1) * tensor.nb[1] + size(i2) * tensor.nb[2] +
             size(i3) * tensor.nb[3];
    };
    rms_norm(reinterpret_cast<const float*>(at(x)), static_cast<const float*>(weight.data), size(node.ne[0]), epsilon,
             reinterpret_cast<float*>(at(node)));
  }
  return true;
}

// node [width, heads, tokens] = x, each head turned by the position of its token.
bool GraphRunner::rotate(const ggml_tensor& node) {
  const ggml_tensor& x = *node.src[0];
  const ggml_tensor& positions = *node.src[1];
  const ggml_tensor* factors = node.src[2];
  const auto parameter = [&](std::size_t place) {
    float value = 0.0F;
    std::memcpy(&value, node.op_params + place, sizeof value);
    return value;
  };
  // Places in the parameters of the operation, as ggml's own kernel reads them.
  constexpr std::size_t kWidth = 1;
  constexpr std::size_t kMode = 2;
  constexpr std::size_t kBase = 5;
  constexpr std::size_t kFrequencyScale = 6;
  constexpr std::size_t kExtrapolation = 7;
  constexpr std::size_t kLengthScale = 8;
  constexpr std::size_t kOffset = 15;
  const std::int32_t mode = node.op_params[kMode];
  const std::int32_t width = node.op_params[kWidth];
  if (x.type != GGML_TYPE_F32 || node.type != GGML_TYPE_F32 || x.nb[0] != sizeof(float) ||
      node.nb[0] != sizeof(float) || node.ne[3] != 1 || positions.ne[0] != node.ne[2] ||
      (mode != GGML_ROPE_TYPE_NORMAL && mode != GGML_ROPE_TYPE_NEOX) || parameter(kExtrapolation) != 0.0F ||
      node.op_params[kOffset] != 0 || width != node.ne[0] || width % 2 != 0) {
    return false;
  }
  const Timed timed(accelerator_->profile().activations);
  const RotaryAngles angles{size(width), parameter(kBase), parameter(kFrequencyScale), parameter(kLengthScale),
                            factors ? static_cast<const float*>(factors->data) : nullptr};
  const RotaryTable* table = nullptr;
  for (const auto& [of, made] : rotary_tables_) {
    if (of == &positions && made->angles() == angles) {
      table = made.get();
    }
  }
  const int threads = accelerator_->options().threads;
  if (!table) {
    const std::span all(static_cast<const std::int32_t*>(positions.data), size(positions.ne[0]));
    rotary_tables_.emplace_back(&positions, std::make_unique<RotaryTable>(angles, all, threads));
    table = rotary_tables_.back().second.get();
  }
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::ptrdiff_t i = 0; i < node.ne[2]; ++i) {
    const auto token = static_cast<std::size_t>(i);
    for (std::size_t head = 0; head < size(node.ne[1]); ++head) {
      const char* from = static_cast<const char*>(x.data) + token * x.nb[2] + head * x.nb[1];
      char* to = static_cast<char*>(node.data) + token * node.nb[2] + head * node.nb[1];
      rotate_head(reinterpret_cast<const float*>(from), table->cosines(token), table->sines(token), angles.width,
                  mode == GGML_ROPE_TYPE_NEOX, reinterpret_cast<float*>(to));
    }
  }
  return true;
}

}  // namespace endorm
