#include "engine/accelerator/graph_runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

#include <ggml-cpu.h>
#include <ggml-impl.h>

#include "core/errors.h"
#include "engine/accelerator/activations.h"
#include "engine/accelerator/head_reader.h"

namespace endorm {
namespace {

constexpr std::int64_t kSmallestSide = 32;    // of a weight: adapters of low rank stay with ggml
constexpr std::int64_t kFewestOfExpert = 16;  // mean rows of an expert

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(seconds), start_(now()) {}
  ~Timed() { seconds_ += now() - start_; }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double& seconds_;
  double start_;
};

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

// ggml's own reads it from a table in half precision.
bool is_gelu(const ggml_tensor& node) {
  return (node.op == GGML_OP_UNARY && ggml_get_unary_op(&node) == GGML_UNARY_OP_GELU) ||
         (node.op == GGML_OP_GLU && ggml_get_glu_op(&node) == GGML_GLU_OP_GEGLU);
}

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
const ggml_tensor& before_rounding(const ggml_tensor& tensor) {
  if (tensor.op == GGML_OP_CPY && tensor.type == GGML_TYPE_F16 && tensor.src[0]->type == GGML_TYPE_F32 &&
      tensor.src[0]->view_src && tensor.src[0]->view_src->op == GGML_OP_NONE) {
    return *tensor.src[0];
  }
  return tensor;
}

std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

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
  const int count = graph->n_nodes;
  int left = 0;  // nodes from here on are not computed yet
  for (int i = 0; i < count; ++i) {
    const ggml_tensor& node = *graph->nodes[i];
    const bool product = (node.op == GGML_OP_MUL_MAT || node.op == GGML_OP_MUL_MAT_ID) && accelerator_->products() &&
                         is_weight(*node.src[0]);
    if (!product && node.op != GGML_OP_FLASH_ATTN_EXT && !is_gelu(node)) {
      continue;
    }
    leave_to_ggml(graph, left, i);
    left = i;
    if (product && read_head({graph->nodes + i, graph->nodes + count})) {
      return;
    }
    if (compute_node(node)) {
      left = i + 1;
    }
  }
  leave_to_ggml(graph, left, count);
}

// False, with nothing done, where ggml has to compute it.
bool GraphRunner::compute_node(const ggml_tensor& node) {
  switch (node.op) {
    case GGML_OP_MUL_MAT:
      return multiply(node);
    case GGML_OP_MUL_MAT_ID:
      return multiply_experts(node);
    case GGML_OP_FLASH_ATTN_EXT:
      return attend(node);
    default:
      return activate(node);
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

const Operand& GraphRunner::operand(const ggml_tensor& activations, ProductType type) {
  if (operand_of_ != &activations || operand_.type() != type) {
    const Timed timed(accelerator_->profile().conversions);
    operand_.convert(type, static_cast<const float*>(activations.data), size(ggml_nrows(&activations)),
                     size(activations.ne[0]), size(activations.ne[0]), accelerator_->options().threads);
    operand_of_ = &activations;
  }
  return operand_;
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

// node [DV, heads, queries, streams] = softmax(scale k q + mask) v of q [DK, queries, heads, streams].
bool GraphRunner::attend(const ggml_tensor& node) {
  if (available_attention_kernels().front() == AttentionKernel::kPortable) {
    return false;  // without vectors of this processor's own ggml's kernel is the faster one
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
    return false;
  }
  const Timed timed(accelerator_->profile().attention);
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
  arguments.q_query_stride = q.nb[1];
  arguments.q_head_stride = q.nb[2];
  arguments.q_stream_stride = q.nb[3];
  arguments.k = k.data;
  arguments.k_element = *k_element;
  arguments.k_key_stride = k.nb[1];
  arguments.k_head_stride = k.nb[2];
  arguments.k_stream_stride = k.nb[3];
  arguments.v = v.data;
  arguments.v_element = *v_element;
  arguments.v_key_stride = v.nb[1];
  arguments.v_head_stride = v.nb[2];
  arguments.v_stream_stride = v.nb[3];
  arguments.out = static_cast<float*>(node.data);
  arguments.out_query_stride = node.nb[2];
  arguments.out_head_stride = node.nb[1];
  arguments.out_stream_stride = node.nb[3];
  arguments.threads = accelerator_->options().threads;
  attention(arguments, mask_of(node), attention_scratch_);
  return true;
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
  accelerator_->profile().floating_operations +=
      2.0 * static_cast<double>(x.rows()) * static_cast<double>(columns) * static_cast<double>(x.width());
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
  accelerator_->profile().floating_operations +=
      2.0 * static_cast<double>(used * tokens) * static_cast<double>(columns) * static_cast<double>(width);
  return true;
}

}  // namespace endorm
