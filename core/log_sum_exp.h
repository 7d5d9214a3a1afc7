#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace endorm {

struct RowKernelFunctions;

// The largest logit of a row, the first of equals.
struct LargestLogit {
  std::size_t place = 0;
  double logit = 0.0;
};

// log sum_a exp(q_a / alpha), the entropy of p = softmax(q / alpha) and KL(u || p), with u uniform over the n unmasked
// tokens: log sum_a exp(q_a / alpha) - mean_a(q_a) / alpha - log n. All in nats.
struct RowStatistics {
  double log_sum_exp = 0.0;
  double entropy = 0.0;
  double uniform_divergence = 0.0;
  std::optional<LargestLogit> largest = std::nullopt;  // absent where a device reduced the row
};

// Reduces one row of raw logits q [V] in a single call; exponentials and sums are in double.
// alpha > 0. An entry of -infinity is a masked token and counts as probability 0.
// Throws InvalidInput on an empty row, a NaN or +infinity (naming its index), a row that is all -infinity, alpha <= 0,
// or an alpha so small that the largest logit / alpha overflows. Relative error of log_sum_exp <= 1e-12 at V = 151,936.
// The kernel (AVX-512, AVX2 or portable) is chosen at run time.
RowStatistics row_statistics(std::span<const float> logits, double alpha = 1.0);

// The same of logits given in double [V], for exact engines: one plain pass, no kernels. Throws as above.
RowStatistics row_statistics(std::span<const double> logits, double alpha = 1.0);

// The largest logit of a row [V]. Throws as row_statistics on an empty row, a NaN or +infinity, and a row that is all
// -infinity.
float largest_logit(std::span<const float> logits);
double largest_logit(std::span<const double> logits);

// Weights w_a = exp((q_a - maximum) / alpha) of a row, added up over blocks of kWeightBlock neighbours: a token is
// drawn by its block, then inside it, and V weights need not be held.
inline constexpr std::size_t kWeightBlock = 256;
struct RowWeights {
  double maximum = 0.0;            // the largest logit
  std::vector<double> block_sums;  // of the entries i * kWeightBlock .. (i + 1) * kWeightBlock - 1, in double
};
// Throws as row_statistics.
RowWeights row_weights(std::span<const float> logits, double alpha);
RowWeights row_weights(std::span<const double> logits, double alpha);

enum class RowKernel { kAvx512, kAvx2, kPortable };

// The same of a row that comes in pieces: no row need ever be held. Exponentials are taken against the largest logit so
// far, and the sums scaled when a larger one comes. Errors as row_statistics; an index counts from the row's beginning.
class RowReduction {
 public:
  explicit RowReduction(double alpha);

  // The next logits of the row, in order.
  void add(std::span<const float> logits);
  // Of all logits added so far.
  RowStatistics statistics() const;

 private:
  friend RowStatistics row_statistics_on(RowKernel kernel, std::span<const float> logits, double alpha);
  RowReduction(const RowKernelFunctions& kernel, double alpha);

  const RowKernelFunctions* kernel_;
  double alpha_;
  std::size_t count_ = 0;
  double maximum_;         // -infinity while no token is unmasked
  std::size_t place_ = 0;  // of the maximum
  double sum_ = 0.0;       // sum_a exp(d_a), d_a = (q_a - maximum) / alpha
  double weighted_ = 0.0;  // sum_a exp(d_a) d_a
  double logits_ = 0.0;    // sum_a q_a of the unmasked
  std::size_t unmasked_ = 0;
};

// The kernels that this processor can run, fastest first; the first is the one row_statistics uses.
std::span<const RowKernel> available_row_kernels();
const char* row_kernel_name(RowKernel kernel);

// As row_statistics, on the kernel named (for tests and `endorm doctor`). Throws InvalidInput where it cannot run here.
RowStatistics row_statistics_on(RowKernel kernel, std::span<const float> logits, double alpha);

}  // namespace endorm
