#include <algorithm>
#include <cstring>

#include <ggml.h>

#include "engine/accelerator/graph_runner.h"
#include "engine/accelerator/head_reader.h"

namespace endorm {
namespace {

constexpr std::int64_t kFewestOfExpert = 16;  // mean rows of an expert

}  // namespace

const Operand& GraphRunner::operand(const ggml_tensor& activations, ProductType type) {
  if (operand_of_ != &activations || operand_.type() != type) {
    const Timed timed(accelerator_->profile().conversions);
    operand_.convert(type, static_cast<const float*>(activations.data), size(ggml_nrows(&activations)),
                     size(activations.ne[0]), size(activations.ne[0]), accelerator_->options().threads);
    operand_of_ = &activations;
  }
  return operand_;
}

// node [N, M...] = activations [K, M...] times weight [K,N].
bool GraphRunner::multiply(const ggml_tensor& node) {
  const ggml_tensor& weight = *node.src[0];
  const ggml_tensor& activations = *node.src[1];
  if (weight.ne[2] != 1 || weight.ne[3] != 1 || activations.type != GGML_TYPE_F32 ||
      !ggml_is_contiguous(&activations) || !ggml_is_contiguous(&node)) {
    return false;
  }
  const std::size_t slab = slab_rows(weight);
  const std::size_t columns = size(weight.ne[1]);
  for (std::size_t first = 0; first < columns; first += slab) {
    if (!accelerator_->packed(weight, first, std::min(slab, columns - first))) {
      return false;
    }
  }
  const Operand& x = operand(activations, accelerator_->type_for(weight));
  const Timed timed(accelerator_->profile().products);
  auto* out = static_cast<float*>(node.data);
  for (std::size_t first = 0; first < columns; first += slab) {
    const std::size_t count = std::min(slab, columns - first);
    const PackedMatrix& packed = *accelerator_->packed(weight, first, count);
    if (count == columns) {
      accelerator_->products()->multiply(x, packed, out, columns);
      continue;
    }
    // Rows far apart have no fast kernel: a slab's results lie close together first.
    tile_.resize(x.rows() * count);
    accelerator_->products()->multiply(x, packed, tile_.data(), count);
#pragma omp parallel for schedule(static) num_threads(accelerator_->options().threads)
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(x.rows()); ++i) {
      const auto row = static_cast<std::size_t>(i);
      std::copy_n(tile_.data() + row * count, count, out + row * columns + first);
    }
  }
  return true;
}

// node [N,U,T] : for token t and its u-th expert e = ids[u,t], weight[e] [K,N] times activations [K, u mod B, t].
bool GraphRunner::multiply_experts(const ggml_tensor& node) {
  const ggml_tensor& weight = *node.src[0];
  const ggml_tensor& activations = *node.src[1];
  const ggml_tensor& ids = *node.src[2];
  const std::size_t experts = size(weight.ne[2]);
  const std::size_t used = size(ids.ne[0]);
  const std::size_t tokens = size(ids.ne[1]);
  if (activations.type != GGML_TYPE_F32 || activations.nb[0] != sizeof(float) || !ggml_is_contiguous(&node) ||
      static_cast<std::int64_t>(used * tokens) < kFewestOfExpert * weight.ne[2]) {
    return false;
  }
  const std::size_t columns = size(weight.ne[1]);
  const std::size_t width = size(weight.ne[0]);
  for (std::size_t expert = 0; expert < experts; ++expert) {
    if (!accelerator_->packed(weight, expert * columns, columns)) {
      return false;
    }
  }
  const Timed timed(accelerator_->profile().products);
  auto* out = static_cast<float*>(node.data);
  std::vector<std::pair<std::size_t, std::size_t>> places;  // (u, t) that go to this expert
  for (std::size_t expert = 0; expert < experts; ++expert) {
    places.clear();
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t u = 0; u < used; ++u) {
        std::int32_t id;
        std::memcpy(&id, static_cast<const char*>(ids.data) + t * ids.nb[1] + u * ids.nb[0], sizeof id);
        if (id == static_cast<std::int32_t>(expert)) {
          places.emplace_back(u, t);
        }
      }
    }
    if (places.empty()) {
      continue;
    }
    gathered_.resize(places.size() * width);
    expert_out_.resize(places.size() * columns);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto [u, t] = places[i];
      const char* row = static_cast<const char*>(activations.data) + (u % size(activations.ne[1])) * activations.nb[1] +
                        t * activations.nb[2];
      std::memcpy(gathered_.data() + i * width, row, width * sizeof(float));
    }
    expert_operand_.convert(accelerator_->type_for(weight), gathered_.data(), places.size(), width, width,
                            accelerator_->options().threads);
    accelerator_->products()->multiply(expert_operand_, *accelerator_->packed(weight, expert * columns, columns),
                                       expert_out_.data(), columns);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto [u, t] = places[i];
      std::copy_n(expert_out_.begin() + static_cast<std::ptrdiff_t>(i * columns), columns,
                  out + (t * used + u) * columns);
    }
  }
  return true;
}

}  // namespace endorm
