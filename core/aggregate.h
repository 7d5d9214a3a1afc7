#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace endorm {

// How the rewards of T tokens become one number. Every kind aggregates alpha * log pi_h (+ V(s_1) where asked).
enum class Aggregation { kDiscounted, kSum, kMean, kChunkedMean, kStepMean, kMinStep, kLastK };
inline constexpr std::array<std::pair<std::string_view, Aggregation>, 7> kAggregations{{
    {"discounted", Aggregation::kDiscounted},
    {"sum", Aggregation::kSum},
    {"mean", Aggregation::kMean},
    {"chunked_mean", Aggregation::kChunkedMean},
    {"step_mean", Aggregation::kStepMean},
    {"min_step", Aggregation::kMinStep},
    {"last_k", Aggregation::kLastK},
}};

struct AggregateOptions {
  Aggregation kind = Aggregation::kDiscounted;
  double gamma = 0.93;         // discounted: weight max(gamma^(h-1), floor), 0 <= gamma <= 1
  double floor = 0.0;          // discounted: smallest weight, 0 <= floor <= 1
  std::size_t chunk = 16;      // chunked_mean: tokens in a chunk (the last one may be shorter)
  std::size_t last_k = 16;     // last_k: tokens at the end (all of them where there are fewer)
  bool initial_value = false;  // add V(s_1): matters across prompts, cancels among the responses of one prompt
  double length_power = 1.0;   // mean: sum / T^length_power, 0 <= length_power <= 1

  bool operator==(const AggregateOptions&) const = default;
};

// Half-open range of response tokens [begin, end).
struct TokenRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct StepReward {
  TokenRange tokens;
  double sum = 0.0;   // of alpha * log pi over the step's tokens
  double mean = 0.0;  // sum / tokens in the step
};

// Every aggregation of one response. With initial_value, V(s_1) is added to sum and discounted, and V(s_1)/T to mean;
// the others speak of parts of a response and never contain it.
struct Aggregates {
  double sum = 0.0;
  double mean = 0.0;
  double discounted = 0.0;
  double chunked_mean = 0.0;        // mean over chunks of each chunk's mean
  double last_k = 0.0;              // mean over the last k tokens
  std::vector<StepReward> steps;    // empty where no steps were given
  std::optional<double> step_mean;  // mean over steps of each step's mean
  std::optional<double> min_step;   // smallest step mean
};

// log_probs: log pi_h [T], T >= 1, or what else is to be aggregated in its place; steps cover [0, T) in order without
// gaps, none empty, or there are none at all; initial_value: V(s_1), read where options ask for it. Throws InvalidInput
// otherwise, where V(s_1) is asked for and absent, and on an alpha or option out of its range. Fills every kind,
// whatever options.kind is.
Aggregates aggregate(std::span<const double> log_probs, std::span<const TokenRange> steps, double alpha,
                     const AggregateOptions& options, std::optional<double> initial_value = std::nullopt);

// Throws InvalidInput, naming it, where an option is out of its range.
void check_aggregate_options(const AggregateOptions& options);

// The one chosen as the reward. Throws InvalidInput where the kind needs steps and there are none.
double chosen_reward(const Aggregates& aggregates, Aggregation kind);

// Whether the kind needs the steps of a response.
bool reads_steps(Aggregation kind);

// Its name in kAggregations.
std::string_view aggregation_name(Aggregation kind);
Aggregation aggregation_from_name(std::string_view name);  // throws InvalidInput, listing the names

}  // namespace endorm
