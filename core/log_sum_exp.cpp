#include "core/log_sum_exp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/errors.h"
#include "core/row_kernels.h"
#include "core/temperature.h"

namespace endorm {
namespace {

// Entries added up before their sum joins the row's. Two levels keep the rounding of a sum below 1e-13 relative for any
// row of any model, where one running sum over 151,936 entries may lose 1e-11.
constexpr std::size_t kBlock = 4096;

std::vector<RowKernel> detect_row_kernels() {
  std::vector<RowKernel> kernels;
#if ENDORM_X86_KERNELS
  if (__builtin_cpu_supports("avx512f")) {
    kernels.push_back(RowKernel::kAvx512);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back(RowKernel::kAvx2);
  }
#endif
  kernels.push_back(RowKernel::kPortable);
  return kernels;
}

const RowKernelFunctions& row_kernel_functions(RowKernel kernel) {
  switch (kernel) {
#if ENDORM_X86_KERNELS
    case RowKernel::kAvx512:
      return kAvx512RowKernel;
    case RowKernel::kAvx2:
      return kAvx2RowKernel;
#endif
    default:
      return kPortableRowKernel;
  }
}

template <typename Real>
[[noreturn]] void throw_refused_entry(std::span<const Real> logits, std::size_t before) {
  const auto entry = std::find_if(logits.begin(), logits.end(),
                                  [](Real logit) { return !(logit <= std::numeric_limits<Real>::max()); });
  const std::string name = std::isnan(*entry) ? "NaN" : "+infinity";
  throw InvalidInput("[row_statistics] logits[" +
                     std::to_string(before + static_cast<std::size_t>(entry - logits.begin())) + "] of " +
                     std::to_string(before + logits.size()) + " is " + name +
                     "; a logit must be finite, or -infinity for a masked token");
}

[[noreturn]] void throw_empty() { throw InvalidInput("[row_statistics] the row holds 0 logits; give at least one"); }

[[noreturn]] void throw_all_masked(std::size_t count) {
  throw InvalidInput("[row_statistics] all " + std::to_string(count) +
                     " logits are -infinity; leave at least one token unmasked");
}

void require_in_range(const RowStatistics& row, double largest, double alpha) {
  if (!std::isfinite(row.log_sum_exp)) {
    throw InvalidInput("[row_statistics] the largest logit " + std::to_string(largest) + " divided by alpha " +
                       std::to_string(alpha) + " overflows; use a larger alpha");
  }
}

// The first of the largest logits.
std::size_t place_of_largest(std::span<const double> logits) {
  if (logits.empty()) {
    throw_empty();
  }
  std::size_t top = 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    if (!(logits[token] <= std::numeric_limits<double>::max())) {
      throw_refused_entry(logits, 0);
    }
    if (logits[token] > logits[top]) {
      top = token;
    }
  }
  if (std::isinf(logits[top])) {
    throw_all_masked(logits.size());
  }
  return top;
}

}  // namespace

std::span<const RowKernel> available_row_kernels() {
  static const std::vector<RowKernel> kernels = detect_row_kernels();
  return kernels;
}

const char* row_kernel_name(RowKernel kernel) {
  constexpr std::array kNames = {"avx512", "avx2", "portable"};  // in their order
  return kNames.at(static_cast<std::size_t>(kernel));
}

RowReduction::RowReduction(double alpha) : RowReduction(row_kernel_functions(available_row_kernels().front()), alpha) {}

RowReduction::RowReduction(const RowKernelFunctions& kernel, double alpha)
    : kernel_(&kernel), alpha_(alpha), maximum_(-std::numeric_limits<double>::infinity()) {
  require_temperature(alpha, "row_statistics");
}

void RowReduction::add(std::span<const float> logits) {
  if (logits.empty()) {
    return;
  }
  const RowScan part = kernel_->scan(logits);
  if (part.has_refused_entry) {
    throw_refused_entry(logits, count_);
  }
  const std::size_t before = count_;
  count_ += logits.size();
  if (std::isinf(part.maximum)) {
    return;  // all masked
  }
  logits_ += part.sum;
  unmasked_ += part.unmasked;

  // q_a / alpha = maximum / alpha + d_a with every d_a <= 0, so that no exponential overflows.
  const double maximum = part.maximum;
  const double inverse_alpha = 1.0 / alpha_;
  if (maximum > maximum_) {
    if (sum_ > 0.0) {
      const double shift = (maximum_ - maximum) * inverse_alpha;
      const double factor = std::exp(shift);
      weighted_ = factor > 0.0 ? factor * (weighted_ + shift * sum_) : 0.0;
      sum_ *= factor;
    }
    maximum_ = maximum;
    place_ = before + static_cast<std::size_t>(std::find(logits.begin(), logits.end(), part.maximum) - logits.begin());
  }
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const auto block = logits.subspan(begin, std::min(kBlock, logits.size() - begin));
    const ExponentialSums of_block = kernel_->exponential_sums(block, maximum_, inverse_alpha);
    sum_ += of_block.sum;
    weighted_ += of_block.weighted;
  }
}

RowStatistics RowReduction::statistics() const {
  if (count_ == 0) {
    throw_empty();
  }
  if (std::isinf(maximum_)) {
    throw_all_masked(count_);
  }
  // With p_a = exp(d_a) / sum: H = -sum_a p_a log p_a = log sum - sum_a p_a d_a, two terms that are never negative.
  const double log_sum = std::log(sum_);
  const auto unmasked = static_cast<double>(unmasked_);
  const double mean_d = (logits_ / unmasked - maximum_) / alpha_;
  const RowStatistics statistics{maximum_ / alpha_ + log_sum, log_sum - weighted_ / sum_,
                                 log_sum - mean_d - std::log(unmasked), LargestLogit{place_, maximum_}};
  require_in_range(statistics, maximum_, alpha_);
  return statistics;
}

float largest_logit(std::span<const float> logits) {
  if (logits.empty()) {
    throw_empty();
  }
  const RowScan row = row_kernel_functions(available_row_kernels().front()).scan(logits);
  if (row.has_refused_entry) {
    throw_refused_entry(logits, 0);
  }
  if (std::isinf(row.maximum)) {
    throw_all_masked(logits.size());
  }
  return row.maximum;
}

RowWeights row_weights(std::span<const float> logits, double alpha) {
  require_temperature(alpha, "row_weights");
  const RowKernelFunctions& kernel = row_kernel_functions(available_row_kernels().front());
  RowWeights weights{largest_logit(logits), {}};
  weights.block_sums.reserve(logits.size() / kWeightBlock + 1);
  for (std::size_t begin = 0; begin < logits.size(); begin += kWeightBlock) {
    const auto block = logits.subspan(begin, std::min(kWeightBlock, logits.size() - begin));
    weights.block_sums.push_back(kernel.exponential_sums(block, weights.maximum, 1.0 / alpha).sum);
  }
  return weights;
}

RowStatistics row_statistics(std::span<const float> logits, double alpha) {
  return row_statistics_on(available_row_kernels().front(), logits, alpha);
}

RowStatistics row_statistics_on(RowKernel kernel, std::span<const float> logits, double alpha) {
  const auto kernels = available_row_kernels();
  if (std::find(kernels.begin(), kernels.end(), kernel) == kernels.end()) {
    throw InvalidInput(std::string("[row_statistics_on] kernel ") + row_kernel_name(kernel) +
                       " cannot run on this processor; choose one of available_row_kernels()");
  }
  RowReduction reduction(row_kernel_functions(kernel), alpha);
  reduction.add(logits);
  return reduction.statistics();
}

double largest_logit(std::span<const double> logits) { return logits[place_of_largest(logits)]; }

RowWeights row_weights(std::span<const double> logits, double alpha) {
  require_temperature(alpha, "row_weights");
  RowWeights weights{largest_logit(logits), {}};
  for (std::size_t begin = 0; begin < logits.size(); begin += kWeightBlock) {
    double sum = 0.0;
    for (const double logit : logits.subspan(begin, std::min(kWeightBlock, logits.size() - begin))) {
      sum += std::exp((logit - weights.maximum) / alpha);
    }
    weights.block_sums.push_back(sum);
  }
  return weights;
}

RowStatistics row_statistics(std::span<const double> logits, double alpha) {
  require_temperature(alpha, "row_statistics");
  const std::size_t top = place_of_largest(logits);
  const double largest = logits[top];
  // With x_a = (q_a - q_top) / alpha <= 0: log_sum_exp = q_top / alpha + log(1 + rest) and, because the top token adds
  // nothing to the weighted sum, entropy = log(1 + rest) - sum_a exp(x_a) x_a / (1 + rest).
  double rest = 0.0;
  double weighted = 0.0;
  double shifted_sum = 0.0;
  double unmasked = 0.0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const double shifted = (logits[token] - largest) / alpha;
    const double weight = std::exp(shifted);
    if (std::isfinite(logits[token])) {
      shifted_sum += shifted;
      unmasked += 1.0;
    }
    if (token != top && weight > 0.0) {
      rest += weight;
      weighted += weight * shifted;
    }
  }
  const RowStatistics row{largest / alpha + std::log1p(rest), std::log1p(rest) - weighted / (1.0 + rest),
                          std::log1p(rest) - shifted_sum / unmasked - std::log(unmasked), LargestLogit{top, largest}};
  require_in_range(row, largest, alpha);
  return row;
}

}  // namespace endorm
