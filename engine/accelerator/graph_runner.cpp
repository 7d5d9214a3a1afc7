#include "engine/accelerator/graph_runner.h"

#include <algorithm>

#include <ggml-cpu.h>
#include <ggml-impl.h>

#include "core/errors.h"
#include "engine/accelerator/head_reader.h"

namespace endorm {
namespace {

constexpr std::int64_t kSmallestSide = 32;  // of a weight: adapters of low rank stay with ggml

bool computes_nothing(const ggml_tensor& node) {
  return node.op == GGML_OP_NONE || node.op == GGML_OP_VIEW || node.op == GGML_OP_RESHAPE ||
         node.op == GGML_OP_PERMUTE || node.op == GGML_OP_TRANSPOSE;
}

bool is_weight(const ggml_tensor& tensor) {
  return tensor.op == GGML_OP_NONE && tensor.buffer != nullptr && ggml_is_contiguous(&tensor) &&
         ggml_backend_buffer_get_usage(tensor.buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS &&
         tensor.ne[0] >= kSmallestSide && tensor.ne[1] >= kSmallestSide &&
         (tensor.type == GGML_TYPE_F32 || ggml_get_type_traits(tensor.type)->to_float != nullptr);
}

}  // namespace

GraphRunner::GraphRunner(Accelerator* accelerator)
    : accelerator_(accelerator), processor_(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr)) {
  if (accelerator_) {
    set_threads(accelerator_->options().threads);
  }
}

GraphRunner::~GraphRunner() { ggml_backend_free(processor_); }

void GraphRunner::set_threads(int threads) { ggml_backend_cpu_set_n_threads(processor_, threads); }

bool GraphRunner::compute(ggml_cgraph* graph) {
  try {
    run(graph);
    return true;
  } catch (...) {
    accelerator_->failure = std::current_exception();
    return false;
  }
}

void GraphRunner::run(ggml_cgraph* graph) {
  operand_of_ = nullptr;
  unwritten_logits_ = nullptr;
  masks_.clear();
  rotary_tables_.clear();
  const int count = graph->n_nodes;
  int left = 0;  // nodes from here on are not computed yet
  for (int i = 0; i < count; ++i) {
    const ggml_tensor& node = *graph->nodes[i];
    if (is_rounding_unread(*graph, i)) {
      leave_to_ggml(graph, left, i);
      left = i + 1;
      continue;
    }
    const bool product = (node.op == GGML_OP_MUL_MAT || node.op == GGML_OP_MUL_MAT_ID) && accelerator_->products() &&
                         is_weight(*node.src[0]);
    if (!product && node.op != GGML_OP_FLASH_ATTN_EXT && node.op != GGML_OP_RMS_NORM && node.op != GGML_OP_ROPE &&
        !is_gelu(node)) {
      continue;
    }
    leave_to_ggml(graph, left, i);
    left = i;
    if (product && read_head({graph->nodes + i, graph->nodes + count})) {
      return;
    }
    left = i + compute_at(*graph, i);
    i = std::max(i, left - 1);
  }
  leave_to_ggml(graph, left, count);
}

// How many of the nodes from i on are computed: 0 where ggml has to.
int GraphRunner::compute_at(const ggml_cgraph& graph, int i) {
  const ggml_tensor& node = *graph.nodes[i];
  switch (node.op) {
    case GGML_OP_MUL_MAT:
      return multiply(node) ? 1 : 0;
    case GGML_OP_MUL_MAT_ID:
      return multiply_experts(node) ? 1 : 0;
    case GGML_OP_FLASH_ATTN_EXT:
      return attend(node) ? 1 : 0;
    case GGML_OP_RMS_NORM:
      return normalize(graph, i) ? 2 : 0;
    case GGML_OP_ROPE:
      return rotate(node) ? 1 : 0;
    default:
      return activate(node) ? 1 : 0;
  }
}

// Where these nodes are the head of a graph that is asked for statistics: gives them, and leaves the logits unwritten.
bool GraphRunner::read_head(std::span<ggml_tensor* const> nodes) {
  if (!accelerator_->request) {
    return false;
  }
  const auto head = find_head(nodes);
  if (!head) {
    return false;
  }
  const Operand& hidden = operand(*nodes[0]->src[1], accelerator_->type_for(*nodes[0]->src[0]));
  const Timed timed(accelerator_->profile().head);
  if (!endorm::read_head(*accelerator_, *head, hidden, tile_)) {
    return false;
  }
  unwritten_logits_ = head->logits;
  return true;
}

void GraphRunner::leave_to_ggml(ggml_cgraph* graph, int first, int last) {
  if (std::all_of(graph->nodes + first, graph->nodes + last,
                  [](const ggml_tensor* node) { return computes_nothing(*node); })) {
    return;
  }
  const Timed timed(accelerator_->profile().ggml);
  ggml_cgraph part = ggml_graph_view(graph, first, last);
  if (ggml_backend_graph_compute(processor_, &part) != GGML_STATUS_SUCCESS) {
    throw EngineError("[graph] llama.cpp's processor backend failed");
  }
}

}  // namespace endorm
