// How much of the processor's f32 peak does our attention reach over the cells that the mask shows, kernel by kernel,
// and how long does ggml's own take? attention_speed [THREADS [ROUNDS]]

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <vector>

#include "bench/peak_flops.h"
#include "bench/rival_ggml_attention.h"
#include "core/random.h"
#include "engine/accelerator/attention.h"

namespace endorm {
namespace {

// The rival rounds to f16 on its way; values are about 1.
constexpr double kRivalTolerance = 5e-3;
constexpr double kKernelTolerance = 4e-6;

struct Shape {
  const char* name;
  std::size_t queries;
  std::size_t keys;
  std::size_t kv_heads;
  std::size_t group;
  std::size_t width;
  std::function<bool(std::size_t query, std::size_t key)> sees;
};

std::vector<Shape> shapes() {
  const auto causal = [](std::size_t query, std::size_t key) { return key <= query; };
  // 800 keys of a prompt that all may see, then responses of 150 tokens, each for itself.
  const auto tree = [](std::size_t query, std::size_t key) {
    return key < 800 || (key - 800 <= query && (key - 800) / 150 == query / 150);
  };
  const auto window = [](std::size_t query, std::size_t key) {
    return key <= query + 3584 && query + 3584 - key < 512;
  };
  return {{"causal, 512 tokens, 9/3 heads of 64", 512, 512, 3, 3, 64, causal},
          {"causal, 2048 tokens, 9/3 heads of 64", 2048, 2048, 3, 3, 64, causal},
          {"causal, 2048 tokens, 8/8 heads of 64", 2048, 2048, 8, 1, 64, causal},
          {"best of 16, 512 of 1312, 9/3 heads of 64", 512, 1312, 3, 3, 64, tree},
          {"window 512 of 4096, 4/1 heads of 256", 512, 4096, 1, 4, 256, window}};
}

std::uint16_t small_f16(RandomStream& random) {
  // Uniform on [-2, 2] in steps of 2^-10: exact in f16 where it is below 2.
  const auto step = static_cast<std::int32_t>(random.below(2048));
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(step) * 0x1p-10F);
  const std::uint32_t half = step == 0 ? 0 : (bits >> 13U) - (112U << 10U);
  return static_cast<std::uint16_t>(half | (random.below(2) << 15U));
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= worst)) {
      worst = difference;
    }
  }
  return worst;
}

struct Result {
  double work = 0.0;            // GFLOP over the cells that are seen
  double seen = 0.0;            // of the cells
  double difference = 0.0;      // of ggml
  std::vector<double> kernels;  // seconds, as available_attention_kernels()
  double rival = 1e30;          // seconds
  double map = 1e30;            // seconds
};

// The peak, in GFLOP/s, is taken in the same rounds: on a shared machine it moves as the times do.
std::optional<Result> measure(const Shape& shape, int threads, int rounds, double& peak) {
  RandomStream random(11);
  const std::size_t heads = shape.kv_heads * shape.group;
  std::vector<float> q(shape.queries * heads * shape.width);
  for (float& x : q) {
    x = static_cast<float>(random.normal());
  }
  std::vector<std::uint16_t> k(shape.keys * shape.kv_heads * shape.width);
  std::vector<std::uint16_t> v(k.size());
  for (std::size_t i = 0; i < k.size(); ++i) {
    k[i] = small_f16(random);
    v[i] = small_f16(random);
  }
  std::vector<std::uint16_t> cells(shape.queries * shape.keys);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = shape.sees(i / shape.keys, i % shape.keys) ? 0 : 0xFC00;
  }
  std::vector<float> out(q.size());

  const AttentionMaskSource source{cells.data(), shape.queries, shape.keys, 1, shape.keys * 2, cells.size() * 2};
  AttentionArguments a;
  a.head_width = a.value_width = shape.width;
  a.queries = shape.queries;
  a.keys = shape.keys;
  a.heads = heads;
  a.kv_heads = shape.kv_heads;
  a.scale = 1.0F / std::sqrt(static_cast<float>(shape.width));
  a.q = q.data();
  a.k = k.data();
  a.v = v.data();
  a.out = out.data();
  a.q_head_stride = a.out_head_stride = shape.width * 4;
  a.q_query_stride = a.out_query_stride = heads * shape.width * 4;
  a.k_head_stride = a.v_head_stride = shape.width * 2;
  a.k_key_stride = a.v_key_stride = shape.kv_heads * shape.width * 2;
  a.threads = threads;

  const AttentionMask mask(source, threads);
  AttentionScratch scratch;
  GgmlAttentionRival rival(a, source);
  rival.run();
  attention(a, mask, scratch);
  const std::vector<float> first = out;
  Result result;
  result.difference = largest_difference(first, rival.out());
  if (!(result.difference <= kRivalTolerance)) {
    std::fprintf(stderr, "attention_speed: ggml differs by %g\n", result.difference);
    return std::nullopt;
  }
  const auto kernels = available_attention_kernels();
  result.kernels.assign(kernels.size(), 1e30);
  for (int round = 0; round < rounds; ++round) {
    peak = std::max(peak, peak_f32_gflops(threads));
    result.map = std::min(result.map, seconds([&] { const AttentionMask again(source, threads); }));
    result.rival = std::min(result.rival, seconds([&] { rival.run(); }));
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      result.kernels[i] = std::min(result.kernels[i], seconds([&] { attention_on(kernels[i], a, mask, scratch); }));
      if (!(largest_difference(first, out) <= kKernelTolerance)) {
        std::fprintf(stderr, "attention_speed: kernel %s differs by %g\n", attention_kernel_name(kernels[i]),
                     largest_difference(first, out));
        return std::nullopt;
      }
    }
  }
  result.work = static_cast<double>(mask.visible_pairs() * heads * 4 * shape.width) * 1e-9;
  result.seen = static_cast<double>(mask.visible_pairs()) / static_cast<double>(cells.size());
  return result;
}

void print(const Shape& shape, const Result& result, double peak) {
  std::printf("%s: %.2f GFLOP over the %.0f %% of cells that are seen; ggml differs by %.0e\n", shape.name, result.work,
              100.0 * result.seen, result.difference);
  const auto kernels = available_attention_kernels();
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const double rate = result.work / result.kernels[i];
    std::printf("  %-12s %8.2f ms  %7.1f GFLOP/s  %5.1f %% of the f32 peak, %6.1f times ggml\n",
                attention_kernel_name(kernels[i]), result.kernels[i] * 1e3, rate, 100.0 * rate / peak,
                result.rival / result.kernels[i]);
  }
  std::printf("  %-12s %8.2f ms  %7.1f GFLOP/s\n", "ggml", result.rival * 1e3, result.work / result.rival);
  std::printf("  %-12s %8.2f ms  once a mask\n", "map of it", result.map * 1e3);
}

int run(int threads, int rounds) {
  double peak = 0.0;
  const std::vector<Shape> all = shapes();
  std::vector<Result> results;
  for (const Shape& shape : all) {
    const auto result = measure(shape, threads, rounds, peak);
    if (!result) {
      return 70;
    }
    results.push_back(*result);
  }
  std::printf("%d threads, best of %d rounds; f32 peak %.0f GFLOP/s\n", threads, rounds, peak);
  for (std::size_t i = 0; i < all.size(); ++i) {
    print(all[i], results[i], peak);
  }
  return 0;
}

}  // namespace
}  // namespace endorm

int main(int argc, char** argv) {
  return endorm::run(argc > 1 ? std::atoi(argv[1]) : 2, argc > 2 ? std::atoi(argv[2]) : 7);
}
