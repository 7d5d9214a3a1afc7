#include "bench/rival_ggml_attention.h"

#include <cstring>

#include <ggml-cpu.h>
#include <ggml.h>

namespace endorm {

struct GgmlAttentionRival::State {
  ggml_context* context = nullptr;
  ggml_cgraph* graph = nullptr;
  ggml_tensor* out = nullptr;
  ggml_cplan plan{};
  std::vector<std::uint8_t> work;
};

GgmlAttentionRival::GgmlAttentionRival(const AttentionArguments& a, const AttentionMaskSource& mask)
    : state_(std::make_unique<State>()) {
  const auto size = [](std::size_t x) { return static_cast<std::int64_t>(x); };
  const std::size_t floats = a.queries * a.heads * (a.head_width + a.value_width);
  const std::size_t halves = a.keys * a.kv_heads * (a.head_width + a.value_width) + a.queries * a.keys;
  State& state = *state_;
  state.context = ggml_init({floats * 4 + halves * 2 + (std::size_t{4} << 20U), nullptr, false});
  ggml_context* context = state.context;
  ggml_tensor* q = ggml_new_tensor_3d(context, GGML_TYPE_F32, size(a.head_width), size(a.heads), size(a.queries));
  ggml_tensor* k = ggml_new_tensor_3d(context, GGML_TYPE_F16, size(a.head_width), size(a.kv_heads), size(a.keys));
  ggml_tensor* v = ggml_new_tensor_3d(context, GGML_TYPE_F16, size(a.value_width), size(a.kv_heads), size(a.keys));
  ggml_tensor* m = ggml_new_tensor_2d(context, GGML_TYPE_F16, size(a.keys), size(a.queries));
  std::memcpy(q->data, a.q, ggml_nbytes(q));
  std::memcpy(k->data, a.k, ggml_nbytes(k));
  std::memcpy(v->data, a.v, ggml_nbytes(v));
  std::memcpy(m->data, mask.values, ggml_nbytes(m));
  const auto heads_first = [&](ggml_tensor* x) { return ggml_permute(context, x, 0, 2, 1, 3); };
  state.out =
      ggml_flash_attn_ext(context, heads_first(q), heads_first(k), heads_first(v), m, a.scale, 0.0F, a.logit_softcap);
  state.graph = ggml_new_graph(context);
  ggml_build_forward_expand(state.graph, state.out);
  state.plan = ggml_graph_plan(state.graph, a.threads, nullptr);
  state.work.resize(state.plan.work_size);
  state.plan.work_data = state.work.data();
}

GgmlAttentionRival::~GgmlAttentionRival() { ggml_free(state_->context); }

void GgmlAttentionRival::run() { ggml_graph_compute(state_->graph, &state_->plan); }

std::vector<float> GgmlAttentionRival::out() const {
  std::vector<float> copy(static_cast<std::size_t>(ggml_nelements(state_->out)));
  std::memcpy(copy.data(), state_->out->data, copy.size() * sizeof(float));
  return copy;
}

}  // namespace endorm
