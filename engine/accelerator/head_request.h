#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/log_sum_exp.h"

namespace endorm {

// Which numbers a pass through the model is to give instead of rows of logits.
struct HeadRequest {
  std::size_t vocabulary = 0;  // columns that count; those behind them are padding
  std::vector<double> alphas = {1.0};
  std::vector<std::vector<std::int32_t>> targets;  // [rows] the columns whose logits are wanted, of each row
};
struct HeadResult {
  std::vector<std::vector<RowStatistics>> rows;  // [rows][alphas]
  std::vector<std::vector<float>> logits;        // [rows] of HeadRequest::targets
};

}  // namespace endorm
