#include "core/aggregate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/errors.h"
#include "core/temperature.h"

namespace endorm {
namespace {

void require_unit_interval(double value, const char* option) {
  if (value >= 0.0 && value <= 1.0) {
    return;
  }
  throw InvalidInput("[aggregate] " + std::string(option) + " is " + std::to_string(value) +
                     "; give a number from 0 to 1");
}

void require_at_least_one(std::size_t value, const char* option) {
  if (value >= 1) {
    return;
  }
  throw InvalidInput("[aggregate] " + std::string(option) + " is 0; give at least 1");
}

// Steps [S] must cover the tokens 0 .. token_count in order, without gaps, none empty.
void require_partition(std::span<const TokenRange> steps, std::size_t token_count) {
  std::size_t covered = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].begin != covered || steps[i].end <= steps[i].begin || steps[i].end > token_count) {
      throw InvalidInput("[aggregate] step " + std::to_string(i) + " is tokens [" + std::to_string(steps[i].begin) +
                         ", " + std::to_string(steps[i].end) + "); it must begin at " + std::to_string(covered) +
                         ", hold at least one token and end by " + std::to_string(token_count));
    }
    covered = steps[i].end;
  }
  if (!steps.empty() && covered != token_count) {
    throw InvalidInput("[aggregate] the steps end at token " + std::to_string(covered) + " of " +
                       std::to_string(token_count) + "; they must cover the whole response");
  }
}

// sum_h alpha * log pi_h over some tokens [n].
double scaled_log_prob(std::span<const double> log_probs, double alpha) {
  double sum = 0.0;
  for (const double log_prob : log_probs) {
    sum += alpha * log_prob;
  }
  return sum;
}

double mean_scaled_log_prob(std::span<const double> log_probs, double alpha) {
  return scaled_log_prob(log_probs, alpha) / static_cast<double>(log_probs.size());
}

// sum_h max(gamma^(h-1), floor) * alpha * log pi_h, h = 1 .. T.
double discounted_log_prob(std::span<const double> log_probs, double alpha, double gamma, double floor) {
  double sum = 0.0;
  double power = 1.0;
  for (const double log_prob : log_probs) {
    sum += std::max(power, floor) * alpha * log_prob;
    power *= gamma;
  }
  return sum;
}

double chunked_mean_log_prob(std::span<const double> log_probs, double alpha, std::size_t chunk) {
  double sum_of_means = 0.0;
  std::size_t chunks = 0;
  for (std::size_t begin = 0; begin < log_probs.size(); ++chunks) {
    const std::size_t length = std::min(chunk, log_probs.size() - begin);
    sum_of_means += mean_scaled_log_prob(log_probs.subspan(begin, length), alpha);
    begin += length;
  }
  return sum_of_means / static_cast<double>(chunks);
}

void add_steps(Aggregates& aggregates, std::span<const double> log_probs, std::span<const TokenRange> steps,
               double alpha) {
  double sum_of_means = 0.0;
  for (const TokenRange& range : steps) {
    const auto in_step = log_probs.subspan(range.begin, range.end - range.begin);
    const StepReward step{range, scaled_log_prob(in_step, alpha), mean_scaled_log_prob(in_step, alpha)};
    sum_of_means += step.mean;
    aggregates.min_step = aggregates.min_step ? std::min(*aggregates.min_step, step.mean) : step.mean;
    aggregates.steps.push_back(step);
  }
  if (!steps.empty()) {
    aggregates.step_mean = sum_of_means / static_cast<double>(steps.size());
  }
}

double require_steps(const std::optional<double>& value, Aggregation kind) {
  if (value) {
    return *value;
  }
  throw InvalidInput("[chosen_reward] " + std::string(aggregation_name(kind)) +
                     " needs the response in steps and there are none; give steps or choose another aggregation");
}

}  // namespace

void check_aggregate_options(const AggregateOptions& options) {
  require_unit_interval(options.gamma, "gamma");
  require_unit_interval(options.floor, "floor");
  require_unit_interval(options.length_power, "length_power");
  require_at_least_one(options.chunk, "chunk");
  require_at_least_one(options.last_k, "last_k");
}

Aggregates aggregate(std::span<const double> log_probs, std::span<const TokenRange> steps, double alpha,
                     const AggregateOptions& options, std::optional<double> initial_value) {
  require_temperature(alpha, "aggregate");
  check_aggregate_options(options);
  if (log_probs.empty()) {
    throw InvalidInput("[aggregate] the response has 0 tokens; give at least one");
  }
  if (options.initial_value && !initial_value) {
    throw InvalidInput("[aggregate] V(s_1) is to be added and is not known; give it, or leave initial_value out");
  }
  require_partition(steps, log_probs.size());

  Aggregates aggregates;
  aggregates.sum = scaled_log_prob(log_probs, alpha);
  aggregates.discounted = discounted_log_prob(log_probs, alpha, options.gamma, options.floor);
  // V(s_1): with it, sum is the return sum_h r_h (telescoping), and discounted at floor 0 is sum_h gamma^(h-1) r_h of
  // r_h = Q(s_h, a_h) - gamma * V(s_{h+1}).
  if (options.initial_value) {
    aggregates.sum += *initial_value;
    aggregates.discounted += *initial_value;
  }
  aggregates.mean = aggregates.sum / std::pow(static_cast<double>(log_probs.size()), options.length_power);
  aggregates.chunked_mean = chunked_mean_log_prob(log_probs, alpha, options.chunk);
  aggregates.last_k = mean_scaled_log_prob(log_probs.last(std::min(options.last_k, log_probs.size())), alpha);
  add_steps(aggregates, log_probs, steps, alpha);
  return aggregates;
}

double chosen_reward(const Aggregates& aggregates, Aggregation kind) {
  switch (kind) {
    case Aggregation::kDiscounted:
      return aggregates.discounted;
    case Aggregation::kSum:
      return aggregates.sum;
    case Aggregation::kMean:
      return aggregates.mean;
    case Aggregation::kChunkedMean:
      return aggregates.chunked_mean;
    case Aggregation::kStepMean:
      return require_steps(aggregates.step_mean, kind);
    case Aggregation::kMinStep:
      return require_steps(aggregates.min_step, kind);
    case Aggregation::kLastK:
      return aggregates.last_k;
  }
  throw InternalError("[chosen_reward] " + std::to_string(static_cast<int>(kind)) + " is not an aggregation");
}

bool reads_steps(Aggregation kind) { return kind == Aggregation::kStepMean || kind == Aggregation::kMinStep; }

std::string_view aggregation_name(Aggregation kind) {
  for (const auto& [name, named] : kAggregations) {
    if (named == kind) {
      return name;
    }
  }
  throw InternalError("[aggregation_name] " + std::to_string(static_cast<int>(kind)) + " is not an aggregation");
}

Aggregation aggregation_from_name(std::string_view name) {
  std::string known;
  for (const auto& [candidate, kind] : kAggregations) {
    if (candidate == name) {
      return kind;
    }
    known += known.empty() ? "" : ", ";
    known += candidate;
  }
  throw InvalidInput("[aggregation_from_name] no aggregation is called \"" + std::string(name) + "\"; choose one of " +
                     known);
}

}  // namespace endorm
