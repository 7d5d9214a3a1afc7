#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/accelerator/accelerator.h"

struct ggml_tensor;

namespace endorm {

// What a model does to its logits behind the last product: scaling, soft-capping, a bias. y = f(x), entry by entry.
struct LogitStep {
  enum class Kind { kScale, kTanh, kBias } kind = Kind::kScale;
  float factor = 1.0F;  // kScale: factor * x + offset
  float offset = 0.0F;
  const float* bias = nullptr;  // kBias: [V]
};

// The product that gives the logits, and what follows it to the end of the graph.
struct HeadOfGraph {
  const ggml_tensor* product = nullptr;  // [V,rows] of weight [V,K] and hidden states [rows,K]
  const ggml_tensor* logits = nullptr;   // the graph's last tensor
  std::vector<LogitStep> steps;
};

// The head that begins with nodes[0], where these nodes are one, up to the last tensor "result_output".
std::optional<HeadOfGraph> find_head(std::span<ggml_tensor* const> nodes);

// Computes the statistics that accelerator.request asks for, a slab of the vocabulary at a time: no row of logits is
// ever held. Fills accelerator.result. Returns false, with nothing done, where the request does not fit the head (other
// rows) or its weights are not packed. Throws as row_statistics where logits are not finite.
bool read_head(Accelerator& accelerator, const HeadOfGraph& head, const Operand& hidden, std::vector<float>& tile);

// A weight [N,K] is packed in slabs of this many rows.
std::size_t slab_rows(const ggml_tensor& weight);

}  // namespace endorm
