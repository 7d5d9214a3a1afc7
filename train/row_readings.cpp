#include "train/row_readings.h"

#include <limits>

#include <ATen/Parallel.h>

#include "core/errors.h"
#include "core/log_sum_exp.h"

namespace endorm {
namespace {

RowReadings read_rows_on_processor(const torch::Tensor& logits) {
  const std::int64_t rows = logits.size(0);
  const std::int64_t columns = logits.size(1);
  RowReadings readings{torch::empty({rows}, torch::kFloat32), torch::empty({rows}, torch::kFloat32)};
  const float* const values = logits.const_data_ptr<float>();
  float* const sums = readings.log_sum_exp.data_ptr<float>();
  float* const entropies = readings.entropy.data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      try {
        const RowStatistics found = row_statistics({values + row * columns, static_cast<std::size_t>(columns)});
        sums[row] = static_cast<float>(found.log_sum_exp);
        entropies[row] = static_cast<float>(found.entropy);
      } catch (const InvalidInput&) {
        sums[row] = entropies[row] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  });
  return readings;
}

}  // namespace

RowReadings read_rows(const torch::Tensor& logits) {
  return logits.is_cpu() ? read_rows_on_processor(logits) : read_rows_with_tensors(logits);
}

RowReadings read_rows_with_tensors(const torch::Tensor& logits) {
  const torch::Tensor values = logits.to(torch::kFloat64);
  const torch::Tensor log_sum_exp = values.logsumexp(1);
  // H = -sum p log p, with log p = value - log-sum-exp; a token that cannot come (log p = -inf) adds nothing.
  torch::Tensor log_p = values - log_sum_exp.unsqueeze(1);
  const torch::Tensor entropy = -(log_p.exp() * log_p.clamp_min_(std::numeric_limits<double>::lowest())).sum(1);
  return {log_sum_exp.to(torch::kFloat32), entropy.to(torch::kFloat32)};
}

}  // namespace endorm
