// How fast is one row of logits reduced to log-sum-exp and entropy, kernel by kernel, against reading it from memory?

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "core/log_sum_exp.h"
#include "core/random.h"

namespace endorm {
namespace {

constexpr std::size_t kRows = 128;
constexpr int kRepeats = 15;

template <typename Work>
double microseconds_a_row(const Work& work) {
  double best = 1e30;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / kRows);
  }
  return best;
}

double scalar_log_sum_exp(std::span<const float> row) {
  const float maximum = *std::max_element(row.begin(), row.end());
  double sum = 0.0;
  for (const float logit : row) {
    sum += std::exp(logit - maximum);
  }
  return maximum + std::log(sum);
}

int run() {
  for (const std::size_t vocabulary : {std::size_t{49152}, std::size_t{151936}}) {
    std::vector<float> logits(kRows * vocabulary);
    RandomStream random(7);
    for (float& logit : logits) {
      logit = static_cast<float>(20.0 * random.uniform() - 10.0);
    }
    const auto row = [&](std::size_t i) { return std::span<const float>(logits).subspan(i * vocabulary, vocabulary); };
    double sink = 0.0;
    const double read = microseconds_a_row([&] {
      for (std::size_t i = 0; i < kRows; ++i) {
        sink += *std::max_element(row(i).begin(), row(i).end());
      }
    });
    const double scalar = microseconds_a_row([&] {
      for (std::size_t i = 0; i < kRows; ++i) {
        sink += scalar_log_sum_exp(row(i));
      }
    });
    std::printf("V = %zu, microseconds a row, one thread, %zu rows beyond the caches\n", vocabulary, kRows);
    std::printf("  %-34s %8.1f\n", "scalar, float exp, log-sum-exp only", scalar);
    for (const RowKernel kernel : available_row_kernels()) {
      double worst = 0.0;
      for (std::size_t i = 0; i < kRows; ++i) {
        const double reference = scalar_log_sum_exp(row(i));
        worst = std::max(worst, std::abs(row_statistics_on(kernel, row(i), 1.0).log_sum_exp - reference));
      }
      if (!(worst <= 1e-5)) {
        std::fprintf(stderr, "row_speed: kernel %s is off by %g from the scalar loop\n", row_kernel_name(kernel),
                     worst);
        return 70;
      }
      const double took = microseconds_a_row([&] {
        for (std::size_t i = 0; i < kRows; ++i) {
          sink += row_statistics_on(kernel, row(i), 1.0).entropy;
        }
      });
      std::printf("  %-34s %8.1f   %5.1f times the scalar loop, %.1f GB/s\n", row_kernel_name(kernel), took,
                  scalar / took, static_cast<double>(vocabulary) * 4e-3 / took);
    }
    std::printf("  %-34s %8.1f\n", "the maximum alone, plain loop", read);
    volatile double keep = sink;
    static_cast<void>(keep);
  }
  return 0;
}

}  // namespace
}  // namespace endorm

int main() { return endorm::run(); }
