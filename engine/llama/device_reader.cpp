#include <algorithm>
#include <cmath>
#include <vector>

#include <ggml-backend.h>
#include <ggml.h>
#include <llama.h>

#include "core/errors.h"
#include "engine/llama/llama_handles.h"
#include "engine/llama/row_reader.h"

namespace endorm {
namespace {

// Of a row: largest scaled logit, sum of exponentials, their weighted sum, sum of the scaled logits, unmasked ones.
constexpr std::size_t kStatistics = 5;

struct SamplerDeleter {
  void operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }
};
using SamplerHandle = std::unique_ptr<llama_sampler, SamplerDeleter>;

// The tensors of the graph that was built last. Inputs are filled before it runs, the result is read after it.
struct StatisticsGraph {
  std::size_t vocabulary = 0;
  std::size_t target_capacity = 0;
  ggml_tensor* inverse_alpha = nullptr;  // [1]
  ggml_tensor* targets = nullptr;        // [target_capacity], places in the matrix of logits taken as one row
  ggml_tensor* result = nullptr;         // [kStatistics x rows + target_capacity]
  // What the next pass is asked for.
  float alpha = 1.0F;
  std::vector<std::int32_t> wanted;
};

ggml_tensor* row_of(ggml_context* context, ggml_tensor* tensor) {
  return ggml_reshape_1d(context, tensor, ggml_nelements(tensor));
}

// For logits [rows,V]: m = max_a q_a / alpha, s = sum_a e_a and w = sum_a e_a log e_a with e_a = exp(d_a) and
// d_a = q_a / alpha - m, t = sum_a d_a over the n unmasked tokens, and n; then the logits at the targets. V(s) = alpha
// (m + log s), the entropy is log s - w / s, the divergence from uniform log s - t / n - log n.
ggml_tensor* add_statistics(ggml_context* context, ggml_tensor* logits, StatisticsGraph& graph) {
  const auto vocabulary = static_cast<std::int64_t>(graph.vocabulary);
  const std::int64_t rows = logits->ne[1];
  if (logits->ne[0] != vocabulary || !ggml_is_contiguous(logits)) {
    logits = ggml_cont(context, ggml_view_2d(context, logits, vocabulary, rows, logits->nb[1], 0));
  }
  graph.inverse_alpha = ggml_new_tensor_1d(context, GGML_TYPE_F32, 1);
  graph.targets = ggml_new_tensor_1d(context, GGML_TYPE_I32, static_cast<std::int64_t>(graph.target_capacity));
  ggml_set_input(graph.inverse_alpha);
  ggml_set_input(graph.targets);

  ggml_tensor* scaled = ggml_mul(context, logits, graph.inverse_alpha);
  ggml_tensor* entries = ggml_reshape_3d(context, scaled, 1, vocabulary, rows);
  ggml_tensor* largest = ggml_reshape_2d(context, ggml_argmax(context, logits), 1, rows);
  ggml_tensor* maximum = ggml_reshape_2d(context, ggml_get_rows(context, entries, largest), 1, rows);
  ggml_tensor* differences = ggml_sub(context, scaled, maximum);
  ggml_tensor* exponentials = ggml_exp(context, differences);
  ggml_tensor* sum = ggml_sum_rows(context, exponentials);
  // log(0) x 0 would be no number: the smallest normal float stands in for exponentials of 0.
  constexpr float kSmallest = 1.2e-38F;
  ggml_tensor* logarithms = ggml_log(context, ggml_scale_bias(context, exponentials, 1.0F, kSmallest));
  ggml_tensor* weighted = ggml_sum_rows(context, ggml_mul(context, exponentials, logarithms));
  // 1 for a finite difference, 0 for -infinity: no difference of finite logits is near -1e30.
  constexpr float kFarBelow = -1e30F;
  ggml_tensor* unmasked = ggml_step(context, ggml_scale_bias(context, differences, 1.0F, -kFarBelow));
  ggml_tensor* finite = ggml_mul(context, ggml_clamp(context, differences, kFarBelow, 0.0F), unmasked);
  ggml_tensor* total = ggml_sum_rows(context, finite);
  ggml_tensor* count = ggml_sum_rows(context, unmasked);
  ggml_tensor* all = ggml_reshape_2d(context, logits, 1, vocabulary * rows);
  ggml_tensor* picked = ggml_get_rows(context, all, graph.targets);

  ggml_tensor* result = ggml_concat(context, row_of(context, maximum), row_of(context, sum), 0);
  result = ggml_concat(context, result, row_of(context, weighted), 0);
  result = ggml_concat(context, result, row_of(context, total), 0);
  result = ggml_concat(context, result, row_of(context, count), 0);
  return ggml_concat(context, result, row_of(context, picked), 0);
}

StatisticsGraph& graph_of(llama_sampler* sampler) { return *static_cast<StatisticsGraph*>(sampler->ctx); }

// libllama asks once for every row, and for the first row once more for every sequence that has none. The first row's
// answer carries the whole matrix of statistics, so that one copy brings it to the host; the others carry nothing.
void apply(llama_sampler* sampler, ggml_context* context, ggml_cgraph*, llama_sampler_data* data) {
  StatisticsGraph& graph = graph_of(sampler);
  ggml_tensor* matrix = data->logits->view_src;
  if (!matrix) {  // libllama counts the nodes on a row that belongs to no graph
    StatisticsGraph probe = graph;
    probe.vocabulary = static_cast<std::size_t>(data->logits->ne[0]);
    data->logits = add_statistics(context, ggml_reshape_2d(context, data->logits, data->logits->ne[0], 1), probe);
    return;
  }
  if (data->logits->view_offs != 0) {
    data->logits = nullptr;
    return;
  }
  if (!graph.result) {
    // libllama pads its logits by a row of zeros; what lies under it is read.
    const bool padded = matrix->op == GGML_OP_PAD && matrix->src[0]->ne[1] + 1 == matrix->ne[1];
    graph.result = add_statistics(context, padded ? matrix->src[0] : matrix, graph);
  }
  data->logits = graph.result;
}

void fill_inputs(llama_sampler* sampler) {
  StatisticsGraph& graph = graph_of(sampler);
  const float inverse_alpha = 1.0F / graph.alpha;
  ggml_backend_tensor_set(graph.inverse_alpha, &inverse_alpha, 0, sizeof inverse_alpha);
  std::vector<std::int32_t> places = graph.wanted;
  places.resize(graph.target_capacity, 0);
  ggml_backend_tensor_set(graph.targets, places.data(), 0, places.size() * sizeof(std::int32_t));
}

void forget_graph(llama_sampler* sampler) {
  StatisticsGraph& graph = graph_of(sampler);
  graph.inverse_alpha = graph.targets = graph.result = nullptr;
}

llama_sampler_i* sampler_interface() {
  static llama_sampler_i functions = [] {
    llama_sampler_i made{};
    made.name = [](const llama_sampler*) { return "endorm statistics"; };
    made.apply = [](llama_sampler*, llama_token_data_array*) {};
    made.backend_init = [](llama_sampler*, ggml_backend_buffer_type_t, std::uint32_t) { return true; };
    made.backend_apply = apply;
    made.backend_set_input = fill_inputs;
    made.backend_reset = forget_graph;
    return made;
  }();
  return &functions;
}

class Reader final : public DeviceReader {
 public:
  explicit Reader(std::size_t columns) : columns_(columns) {}

  std::span<llama_sampler_seq_config> samplers(std::size_t sequences, std::size_t rows, std::size_t targets) override {
    if (!fits(rows, targets)) {
      throw InternalError("[device reader] " + std::to_string(rows) + " rows and " + std::to_string(targets) +
                          " targets do not fit into a row of " + std::to_string(columns_));
    }
    configs_.clear();
    chains_.clear();
    graph_ = {};
    graph_.vocabulary = columns_;
    graph_.target_capacity = targets;
    for (std::size_t i = 0; i < sequences; ++i) {
      llama_sampler* chain = chains_.emplace_back(llama_sampler_chain_init({.no_perf = true})).get();
      llama_sampler_chain_add(chain, llama_sampler_init(sampler_interface(), &graph_));
      configs_.push_back({static_cast<llama_seq_id>(i), chain});
    }
    return configs_;
  }

  bool fits(std::size_t rows, std::size_t targets) const override {
    return targets > 0 && kStatistics * rows + targets <= columns_;
  }

  void ask(const HeadRequest& request) override {
    request_ = request;
    graph_.vocabulary = request.vocabulary;
    if (request.alphas.size() != 1) {
      throw InternalError("[device reader] asked for " + std::to_string(request.alphas.size()) +
                          " temperatures, gives 1");
    }
    graph_.alpha = static_cast<float>(request.alphas.front());
    graph_.wanted.clear();
    for (std::size_t row = 0; row < request.targets.size(); ++row) {
      for (const std::int32_t target : request.targets[row]) {
        graph_.wanted.push_back(static_cast<std::int32_t>(row * request.vocabulary) + target);
      }
    }
    if (graph_.wanted.size() > graph_.target_capacity) {
      throw InternalError("[device reader] asked for " + std::to_string(graph_.wanted.size()) + " targets, made for " +
                          std::to_string(graph_.target_capacity));
    }
  }

  HeadResult take(llama_context* context, std::span<const std::int32_t> batch_places) override {
    HeadResult result;
    if (batch_places.empty()) {
      return result;
    }
    const std::size_t rows = batch_places.size();
    const float* numbers = llama_get_sampled_logits_ith(context, batch_places.front());
    if (!numbers || llama_get_sampled_logits_count_ith(context, batch_places.front()) !=
                        kStatistics * rows + graph_.target_capacity) {
      throw InternalError("[device reader] libllama gave no statistics for a pass of " + std::to_string(rows) +
                          " rows");
    }
    const float* picked = numbers + kStatistics * rows;
    for (std::size_t row = 0; row < rows; ++row) {
      const double maximum = numbers[row];
      const double sum = numbers[rows + row];
      const double weighted = numbers[2 * rows + row];
      const double total = numbers[3 * rows + row];
      const double unmasked = numbers[4 * rows + row];
      if (!std::isfinite(maximum) || !std::isfinite(sum) || !std::isfinite(weighted) || !std::isfinite(total)) {
        throw InvalidInput("row " + std::to_string(row) + " of the pass holds a NaN or an infinity, or nothing else");
      }
      const double log_sum = std::log(sum);
      result.rows.push_back({{maximum + log_sum, std::max(0.0, log_sum - weighted / sum),
                              std::max(0.0, log_sum - total / unmasked - std::log(unmasked))}});
      const std::size_t count = request_.targets[row].size();
      result.logits.emplace_back(picked, picked + count);
      picked += count;
    }
    return result;
  }

 private:
  std::size_t columns_;
  StatisticsGraph graph_;
  HeadRequest request_;
  std::vector<SamplerHandle> chains_;
  std::vector<llama_sampler_seq_config> configs_;
};

}  // namespace

bool wants_device_statistics(const llama_model* model, const LlamaEngineOptions& options) {
  if (options.statistics != StatisticsPlace::kAuto) {
    return options.statistics == StatisticsPlace::kDevice;
  }
  return uses_gpu(options) && (options.gpu_layers < 0 || options.gpu_layers > llama_model_n_layer(model));
}

std::unique_ptr<DeviceReader> make_device_reader(std::size_t columns) { return std::make_unique<Reader>(columns); }

std::size_t device_rows(std::size_t columns, std::size_t batch_tokens) {
  constexpr std::size_t kBuffers = std::size_t{256} << 20;
  constexpr std::size_t kBytesAColumn = 16;
  constexpr std::size_t kPartOfARow = 8;  // rows' statistics and targets together must fit into one row of logits
  const std::size_t rows = std::min(kBuffers / (columns * kBytesAColumn), columns / kPartOfARow);
  return std::clamp<std::size_t>(rows, 1, batch_tokens);
}

}  // namespace endorm
