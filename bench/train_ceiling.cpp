// How near training comes to what the processor can multiply: one forward and backward pass of a policy of the shape of
// Qwen2.5-0.5B with random weights over packed sequences, every weight learning.
//
//   train_ceiling --type f32|bf16 --tokens 2048 --sequence 512 --head-mb 256 --rounds 3 --threads 2
//
// First its log-probabilities and gradients are held against the same passes with products in f64; then it is timed,
// with the measured peak of the type before and after. Operations counted: those that the model needs, six a weight and
// token (two forward, four backward) and twelve a head's width for each pair of tokens that attend. What is computed
// twice does not count. Prints one line of JSON; "operators" says where the time of one more pass went, in seconds.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/profiler_legacy.h>
#include <torch/torch.h>

#include "app/cli/freed_memory.h"
#include "bench/peak_flops.h"
#include "bench/runner_loop.h"
#include "core/errors.h"
#include "train/decoder.h"
#include "train/decoder_weights.h"
#include "train/optimizer.h"

namespace endorm {
namespace {

using nlohmann::json;
namespace profiler = torch::autograd::profiler;

constexpr double kGreatestError = 1e-4;      // mean |delta log pi| in nats, f32
constexpr double kGreatestBf16Error = 0.02;  // likewise; and of the gradient's norm, relative
constexpr std::size_t kOperators = 16;       // that are listed

DecoderShape qwen_shape() {
  DecoderShape shape;
  shape.family = DecoderFamily::kQwen2;
  shape.layers = 24;
  shape.width = 896;
  shape.feed_forward = 4864;
  shape.heads = 14;
  shape.key_heads = 2;
  shape.head_width = shape.rotated = 64;
  shape.vocabulary = 151936;
  shape.context = 32768;
  shape.rope_base = 1e6;
  shape.local.assign(shape.layers, false);
  return shape;
}

NamedTensors qwen_weights(const DecoderShape& shape) {
  NamedTensors weights = random_weights(shape, 0);
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    for (const char* name : {"attn_q", "attn_k", "attn_v"}) {
      const std::string base = "blk." + std::to_string(layer) + "." + name;
      weights[base + ".bias"] = torch::randn({weights.at(base + ".weight").size(0)}) * 0.02;
    }
  }
  return weights;
}

std::vector<TrainingSequence> sequences_of(std::size_t tokens, std::size_t length, std::size_t vocabulary) {
  const torch::Tensor drawn =
      torch::randint(static_cast<std::int64_t>(vocabulary), {static_cast<std::int64_t>(tokens)}, torch::kInt32);
  const int* const begin = drawn.const_data_ptr<int>();
  std::vector<TrainingSequence> sequences;
  for (std::size_t first = 0; first + length <= tokens; first += length) {
    sequences.push_back({Tokens(begin + first, begin + first + length), 1});
  }
  return sequences;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The loss of supervised training: the mean of -log pi, nats.
struct Passes {
  Decoder decoder;

  torch::Tensor forward(const PackedBatch& batch) const { return -decoder.log_probs(batch).log_prob.mean(); }
  void clear() {
    for (const auto& [name, tensor] : decoder.learning()) {
      tensor.mutable_grad() = torch::Tensor();
    }
  }
  double gradient_norm() const {
    double squares = 0.0;
    for (const auto& [name, tensor] : decoder.learning()) {
      squares += std::pow(tensor.grad().norm().item<double>(), 2.0);
    }
    return std::sqrt(squares);
  }
};

// The gate: -> what was compared; throws where the type is further off than it may be.
json compare(Passes& timed, const NamedTensors& weights, torch::ScalarType type) {
  const PackedBatch batch = pack(sequences_of(192, 96, timed.decoder.shape().vocabulary));
  Passes exact{Decoder(timed.decoder.shape(), weights, {.compute = torch::kFloat64})};
  torch::Tensor log_probs[2];
  double norms[2];
  Passes* const both[2] = {&timed, &exact};
  for (int i = 0; i < 2; ++i) {
    const HeadLogProbs read = both[i]->decoder.log_probs(batch);
    log_probs[i] = read.log_prob.detach();
    (-read.log_prob.mean()).backward();
    norms[i] = both[i]->gradient_norm();
    both[i]->clear();
  }
  const double error = (log_probs[0] - log_probs[1]).abs().mean().item<double>();
  const double norm_error = std::abs(norms[0] / norms[1] - 1.0);
  const double greatest = type == torch::kFloat32 ? kGreatestError : kGreatestBf16Error;
  if (!(error <= greatest) || !(norm_error <= greatest)) {
    throw EngineError("[train_ceiling] off by " + std::to_string(error) + " nat a token and " +
                      std::to_string(norm_error) + " of the gradient's norm: nothing is timed");
  }
  return {{"mean_error_nat", error}, {"gradient_norm_error", norm_error}};
}

double operations(const DecoderShape& shape, const NamedTensors& weights, std::size_t tokens, std::size_t length) {
  double layers = 0.0;
  for (const auto& [name, tensor] : weights) {
    layers += name.starts_with("blk.") && tensor.dim() == 2 ? static_cast<double>(tensor.numel()) : 0.0;
  }
  const auto count = static_cast<double>(tokens);
  const auto long_one = static_cast<double>(length);
  const double pairs = count / long_one * long_one * (long_one + 1) / 2;
  const double targets = count - count / long_one;
  return 6.0 * layers * count + 6.0 * static_cast<double>(shape.vocabulary * shape.width) * targets +
         12.0 * static_cast<double>(shape.layers * shape.heads * shape.head_width) * pairs;
}

// GFLOP/s of torch's products alone, of the shape that most of the operations have.
double product_rate(const DecoderShape& shape, std::size_t tokens, torch::ScalarType type) {
  const auto rows = static_cast<std::int64_t>(tokens);
  const auto width = static_cast<std::int64_t>(shape.width);
  const auto feed_forward = static_cast<std::int64_t>(shape.feed_forward);
  const torch::Tensor states = torch::randn({rows, width}).to(type);
  const torch::Tensor matrix = torch::randn({feed_forward, width}).to(type);
  double best = 0.0;
  for (int round = 0; round < 20; ++round) {
    const double begin = wall_seconds();
    torch::mm(states, matrix.t());
    best = std::max(best, 2e-9 * static_cast<double>(rows * width * feed_forward) / (wall_seconds() - begin));
  }
  return best;
}

double peak_of(torch::ScalarType type, int threads) {
  return type == torch::kFloat32 ? peak_f32_gflops(threads) : peak_bf16_gflops(threads).value_or(0.0);
}

// What each kind of operator ("aten::mm", ...) took in one more pass, without the operators that it called, the slowest
// first: [name, seconds, calls]. Forward and backward alike: the backward pass of the CPU runs in the thread that asks.
json operators_of(const Passes& passes, const PackedBatch& batch) {
  using profiler::EventKind, profiler::LegacyEvent;
  profiler::enableProfilerLegacy(profiler::ProfilerConfig(torch::profiler::impl::ProfilerState::CPU));
  passes.forward(batch).backward();
  std::map<std::string, std::pair<double, std::size_t>> sums;
  for (const std::vector<LegacyEvent>& events : profiler::disableProfilerLegacy()) {
    std::vector<std::pair<const LegacyEvent*, double>> running;  // with the seconds of what each has called
    for (const LegacyEvent& event : events) {
      if (event.kind() == EventKind::PushRange) {
        running.emplace_back(&event, 0.0);
      } else if (event.kind() == EventKind::PopRange) {
        const auto [begin, inside] = running.back();
        running.pop_back();
        const double seconds = 1e-6 * begin->cpuElapsedUs(event);
        auto& [sum, calls] = sums[begin->name()];
        sum += seconds - inside;
        ++calls;
        if (!running.empty()) {
          running.back().second += seconds;
        }
      }
    }
  }
  std::vector<json> rows;
  for (const auto& [name, sum] : sums) {
    rows.push_back({name, std::round(1e3 * sum.first) / 1e3, sum.second});
  }
  std::ranges::sort(rows, std::greater(), [](const json& row) { return row[1].get<double>(); });
  rows.resize(std::min(rows.size(), kOperators));
  return rows;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const Arguments& arguments) {
  const auto number = [&](const char* name) { return std::stoul(arguments.at(name)); };
  const torch::ScalarType type = arguments.at("--type") == "bf16" ? torch::kBFloat16 : torch::kFloat32;
  const std::size_t length = number("--sequence");
  const std::size_t tokens = number("--tokens") / length * length;
  const int threads = static_cast<int>(number("--threads"));
  keep_freed_memory();
  torch::set_num_threads(threads);
  const DecoderShape shape = qwen_shape();
  const NamedTensors weights = qwen_weights(shape);
  Passes passes{Decoder(shape, weights, {.compute = type, .head_bytes = number("--head-mb") << 20})};
  passes.decoder.begin_learning();
  json result = compare(passes, weights, type);

  const PackedBatch batch = pack(sequences_of(tokens, length, shape.vocabulary));
  double peak = peak_of(type, threads);
  const double products = product_rate(shape, tokens, type);
  std::vector<double> forward, both;
  for (std::size_t round = 0; round <= number("--rounds"); ++round) {  // the first one warms up
    passes.clear();
    const double begin = wall_seconds();
    const torch::Tensor loss = passes.forward(batch);
    const double middle = wall_seconds();
    loss.backward();
    if (round > 0) {
      forward.push_back(middle - begin);
      both.push_back(wall_seconds() - begin);
    }
  }
  peak = std::max(peak, peak_of(type, threads));
  const double gflops = 1e-9 * operations(shape, weights, tokens, length) / median(both);
  result.update({{"type", type == torch::kFloat32 ? "f32" : "bf16"},
                 {"tokens", tokens},
                 {"sequence", length},
                 {"threads", threads},
                 {"seconds", median(both)},
                 {"best_seconds", *std::min_element(both.begin(), both.end())},
                 {"forward_seconds", median(forward)},
                 {"tokens_per_second", static_cast<double>(tokens) / median(both)},
                 {"gflops", gflops},
                 {"peak_gflops", peak},
                 {"percent_of_peak", 100.0 * gflops / peak},
                 {"products_gflops", products},
                 {"peak_memory_mb", peak_memory_mb()}});
  passes.clear();
  result["operators"] = operators_of(passes, batch);
  std::printf("%s\n", result.dump().c_str());
}

}  // namespace
}  // namespace endorm

int main(int argc, char** argv) { return endorm::run_program(argc, argv, endorm::run); }
