#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>

#include <ggml-impl.h>
#include <ggml.h>

#include "engine/accelerator/graph_runner.h"

namespace endorm {
namespace {

std::optional<AttentionElement> attention_element(ggml_type type) {
  switch (type) {
    case GGML_TYPE_F32:
      return AttentionElement::kF32;
    case GGML_TYPE_F16:
      return AttentionElement::kF16;
    case GGML_TYPE_BF16:
      return AttentionElement::kBf16;
    default:
      return std::nullopt;
  }
}

// Keys and values as the cache holds them: libllama rounds those in f32 to f16 for attention, which our kernel does not
// need.
bool is_rounding(const ggml_tensor& tensor) {
  return tensor.op == GGML_OP_CPY && tensor.type == GGML_TYPE_F16 && tensor.src[0]->type == GGML_TYPE_F32 &&
         tensor.src[0]->view_src && tensor.src[0]->view_src->op == GGML_OP_NONE;
}

const ggml_tensor& before_rounding(const ggml_tensor& tensor) { return is_rounding(tensor) ? *tensor.src[0] : tensor; }

// What our kernel is to do for a node, without its mask, scratch and threads; nothing where ggml has to do it.
std::optional<AttentionArguments> attention_arguments(const ggml_tensor& node) {
  if (node.op != GGML_OP_FLASH_ATTN_EXT || available_attention_kernels().front() == AttentionKernel::kPortable) {
    return std::nullopt;  // without vectors of this processor's own ggml's kernel is the faster one
  }
  const ggml_tensor& q = *node.src[0];
  const ggml_tensor& k = before_rounding(*node.src[1]);
  const ggml_tensor& v = before_rounding(*node.src[2]);
  const ggml_tensor* mask = node.src[3];
  const ggml_tensor* sinks = node.src[4];
  float parameters[3];  // scale, the largest bias of ALiBi, soft cap
  std::memcpy(parameters, node.op_params, sizeof parameters);
  const auto k_element = attention_element(k.type);
  const auto v_element = attention_element(v.type);
  const bool rows_have_no_gaps = q.nb[0] == ggml_type_size(q.type) && k.nb[0] == ggml_type_size(k.type) &&
                                 v.nb[0] == ggml_type_size(v.type) && node.nb[0] == sizeof(float);
  if (q.type != GGML_TYPE_F32 || node.type != GGML_TYPE_F32 || !k_element || !v_element || !rows_have_no_gaps ||
      parameters[1] != 0.0F || k.ne[2] != v.ne[2] || q.ne[2] % k.ne[2] != 0 || k.ne[3] != q.ne[3] ||
      v.ne[3] != q.ne[3] || (mask && (mask->type != GGML_TYPE_F16 || mask->ne[2] != 1 || mask->ne[0] != k.ne[1])) ||
      (sinks && sinks->type != GGML_TYPE_F32)) {
    return std::nullopt;
  }
  AttentionArguments arguments;
  arguments.head_width = size(q.ne[0]);
  arguments.value_width = size(v.ne[0]);
  arguments.queries = size(q.ne[1]);
  arguments.keys = size(k.ne[1]);
  arguments.heads = size(q.ne[2]);
  arguments.kv_heads = size(k.ne[2]);
  arguments.streams = size(q.ne[3]);
  arguments.scale = parameters[0];
  arguments.logit_softcap = parameters[2];
  arguments.sinks = sinks ? static_cast<const float*>(sinks->data) : nullptr;
  arguments.q = static_cast<const float*>(q.data);
  arguments.q_strides = {q.nb[1], q.nb[2], q.nb[3]};
  arguments.k = k.data;
  arguments.k_element = *k_element;
  arguments.k_strides = {k.nb[1], k.nb[2], k.nb[3]};
  arguments.v = v.data;
  arguments.v_element = *v_element;
  arguments.v_strides = {v.nb[1], v.nb[2], v.nb[3]};
  arguments.out = static_cast<float*>(node.data);
  arguments.out_strides = {node.nb[2], node.nb[1], node.nb[3]};
  return arguments;
}

}  // namespace

// node [DV, heads, queries, streams] = softmax(scale k q + mask) v of q [DK, queries, heads, streams].
bool GraphRunner::attend(const ggml_tensor& node) {
  std::optional<AttentionArguments> arguments = attention_arguments(node);
  if (!arguments) {
    return false;
  }
  const Timed timed(accelerator_->profile().attention);
  arguments->threads = accelerator_->options().threads;
  attention(*arguments, mask_of(node), attention_scratch_);
  return true;
}

// Whether node i only rounds keys or values for an attention of ours, which reads them as they were before.
bool GraphRunner::is_rounding_unread(const ggml_cgraph& graph, int i) {
  const ggml_tensor* node = graph.nodes[i];
  if (!is_rounding(*node)) {
    return false;
  }
  const auto uses_itself = std::count(std::begin(node->src), std::end(node->src), node);  // as ggml_cast leaves it
  if (ggml_node_get_use_count(&graph, i) != 1 + uses_itself) {
    return false;
  }
  for (int later = i + 1; later < graph.n_nodes; ++later) {
    const ggml_tensor& reader = *graph.nodes[later];
    if (std::find(std::begin(reader.src), std::end(reader.src), node) != std::end(reader.src)) {
      return attention_arguments(reader).has_value();
    }
  }
  return false;
}

const AttentionMask& GraphRunner::mask_of(const ggml_tensor& node) {
  const ggml_tensor* mask = node.src[3];
  for (const auto& [tensor, read] : masks_) {
    if (tensor == mask) {
      return *read;
    }
  }
  AttentionMaskSource source;
  source.values = mask ? static_cast<const std::uint16_t*>(mask->data) : nullptr;
  source.queries = size(node.src[0]->ne[1]);
  source.keys = size(node.src[1]->ne[1]);
  source.streams = mask ? size(mask->ne[3]) : 1;
  source.query_stride = mask ? mask->nb[1] : 0;
  source.stream_stride = mask ? mask->nb[3] : 0;
  return *masks_.emplace_back(mask, std::make_unique<AttentionMask>(source, accelerator_->options().threads)).second;
}

}  // namespace endorm
