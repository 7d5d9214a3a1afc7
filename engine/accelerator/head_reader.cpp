#include "engine/accelerator/head_reader.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include <ggml-backend.h>
#include <ggml.h>

#include "core/top_logits.h"

namespace endorm {
namespace {

constexpr std::int64_t kLargestWhole = 8192;
constexpr std::size_t kSlab = 1024;

std::optional<LogitStep> step_of(const ggml_tensor& node) {
  LogitStep step;
  switch (node.op) {
    case GGML_OP_SCALE:
      step.kind = LogitStep::Kind::kScale;
      std::memcpy(&step.factor, node.op_params, sizeof(float));
      std::memcpy(&step.offset, node.op_params + 1, sizeof(float));
      return step;
    case GGML_OP_UNARY:
      step.kind = LogitStep::Kind::kTanh;
      return ggml_get_unary_op(&node) == GGML_UNARY_OP_TANH ? std::optional(step) : std::nullopt;
    case GGML_OP_ADD: {
      const ggml_tensor& bias = *node.src[1];
      if (bias.type != GGML_TYPE_F32 || ggml_nrows(&bias) != 1 || bias.ne[0] != node.ne[0] || !bias.buffer) {
        return std::nullopt;
      }
      step.kind = LogitStep::Kind::kBias;
      step.bias = static_cast<const float*>(bias.data);
      return step;
    }
    default:
      return std::nullopt;
  }
}

void apply(const LogitStep& step, std::size_t first, std::span<float> row) {
  switch (step.kind) {
    case LogitStep::Kind::kScale:
      for (float& value : row) {
        value = step.factor * value + step.offset;
      }
      return;
    case LogitStep::Kind::kTanh:
      for (float& value : row) {
        value = std::tanh(value);
      }
      return;
    case LogitStep::Kind::kBias:
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] += step.bias[first + i];
      }
      return;
  }
}

}  // namespace

std::size_t slab_rows(const ggml_tensor& weight) {
  return weight.ne[1] > kLargestWhole ? kSlab : static_cast<std::size_t>(weight.ne[1]);
}

std::optional<HeadOfGraph> find_head(std::span<ggml_tensor* const> nodes) {
  HeadOfGraph head;
  if (nodes.empty() || nodes[0]->op != GGML_OP_MUL_MAT || std::strcmp(nodes.back()->name, "result_output") != 0) {
    return std::nullopt;
  }
  head.product = nodes[0];
  head.logits = nodes.back();
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    const auto step = step_of(*nodes[i]);
    if (!step || nodes[i]->src[0] != nodes[i - 1]) {
      return std::nullopt;
    }
    head.steps.push_back(*step);
  }
  return head;
}

bool read_head(Accelerator& accelerator, const HeadOfGraph& head, const Operand& hidden, std::vector<float>& tile) {
  const HeadRequest& request = *accelerator.request;
  const ggml_tensor& weight = *head.product->src[0];
  const auto columns = static_cast<std::size_t>(weight.ne[1]);
  const std::size_t rows = hidden.rows();
  if (rows != request.targets.size() || request.vocabulary > columns || !accelerator.products()) {
    return false;
  }
  const std::size_t slab = slab_rows(weight);
  for (std::size_t first = 0; first < columns; first += slab) {
    if (!accelerator.packed(weight, first, std::min(slab, columns - first))) {
      return false;
    }
  }
  const std::vector<RowReduction> of_row(request.alphas.begin(), request.alphas.end());
  std::vector<std::vector<RowReduction>> reductions(rows, of_row);
  std::vector<TopLogits> largest(rows, TopLogits(request.likeliest));
  HeadResult result;
  result.logits.resize(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    result.logits[row].resize(request.targets[row].size());
  }
  tile.resize(rows * slab);
  std::exception_ptr failure;
  for (std::size_t first = 0; first < request.vocabulary; first += slab) {
    const std::size_t packed = std::min(slab, columns - first);
    const std::size_t count = std::min(slab, request.vocabulary - first);
    accelerator.products()->multiply(hidden, *accelerator.packed(weight, first, packed), tile.data(), packed);
#pragma omp parallel for schedule(static) num_threads(accelerator.options().threads)
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(rows); ++i) {
      const auto row = static_cast<std::size_t>(i);
      const std::span<float> logits(tile.data() + row * packed, count);
      try {
        for (const LogitStep& step : head.steps) {
          apply(step, first, logits);
        }
        for (RowReduction& reduction : reductions[row]) {
          reduction.add(logits);
        }
        largest[row].add(logits);
        for (std::size_t t = 0; t < request.targets[row].size(); ++t) {
          const auto target = static_cast<std::size_t>(request.targets[row][t]);
          if (target >= first && target < first + count) {
            result.logits[row][t] = logits[target - first];
          }
        }
      } catch (...) {
#pragma omp critical(endorm_head_failure)
        failure = std::current_exception();
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  for (const TopLogits& row : largest) {
    result.likeliest.push_back(row.sorted());
  }
  result.rows.reserve(rows);
  for (const std::vector<RowReduction>& row : reductions) {
    std::vector<RowStatistics>& statistics = result.rows.emplace_back();
    for (const RowReduction& reduction : row) {
      statistics.push_back(reduction.statistics());
    }
  }
  accelerator.result = std::move(result);
  accelerator.request.reset();
  return true;
}

}  // namespace endorm
