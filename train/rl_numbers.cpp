#include "train/rl_numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "score/option.h"

namespace endorm {
namespace {

constexpr std::size_t kRun = 4;  // tokens of a run that may be repeated

// Mean over all tokens of numbers [B][T].
template <typename Number>
double token_mean(const StepNumbers& numbers, const Number& number) {
  double sum = 0.0;
  std::size_t tokens = 0;
  for (std::size_t b = 0; b < numbers.responses.size(); ++b) {
    for (std::size_t t = 0; t < numbers.responses[b].tokens.size(); ++t) {
      sum += number(b, t);
      ++tokens;
    }
  }
  return sum / static_cast<double>(tokens);
}

template <typename Number>
double response_mean(const StepNumbers& numbers, const Number& number) {
  double sum = 0.0;
  for (std::size_t b = 0; b < numbers.responses.size(); ++b) {
    sum += number(b);
  }
  return sum / static_cast<double>(numbers.responses.size());
}

// What a source gives a response in all: its number, and those of its tokens.
double whole(const RewardPart& part) {
  double sum = part.response;
  for (const double token : part.tokens) {
    sum += token;
  }
  return sum;
}

// The names of the sources; a second one of a kind is told by its number.
std::vector<std::string> source_names(const RlOptions& options) {
  std::vector<std::string> names;
  for (const RewardSpec& source : options.rewards) {
    std::string name = name_of<RewardKind>(kRewardKinds, source.kind);
    const auto same = std::count_if(names.begin(), names.end(), [&](const std::string& other) {
      return other == name || other.rfind(name + "_", 0) == 0;
    });
    names.push_back(same == 0 ? name : name + "_" + std::to_string(same + 1));
  }
  return names;
}

double mixed(const StepNumbers& numbers, const RlOptions& options, std::size_t b, std::size_t step) {
  double sum = 0.0;
  for (std::size_t k = 0; k < options.rewards.size(); ++k) {
    sum += options.rewards[k].mix.weight(step) * whole(numbers.rewards.parts[b][k]);
  }
  return sum;
}

double length_of(const StepNumbers& numbers) {
  return response_mean(numbers, [&](std::size_t b) { return static_cast<double>(numbers.responses[b].tokens.size()); });
}

double kl_of(const StepNumbers& numbers) {
  return token_mean(numbers, [&](std::size_t b, std::size_t t) {
    return numbers.reading.log_prob[b][t] - numbers.rewards.reference_log_prob[b][t];
  });
}

void add_times(std::vector<Metric>& metrics, const StepNumbers& numbers) {
  double tokens = 0.0;
  for (const SampledResponse& response : numbers.responses) {
    tokens += static_cast<double>(response.tokens.size());
  }
  const StepTimes& times = numbers.times;
  metrics.emplace_back("seconds/rollout", times.rollout);
  metrics.emplace_back("seconds/reward", times.reward);
  metrics.emplace_back("seconds/update", times.update);
  metrics.emplace_back("tokens_per_second", tokens / (times.rollout + times.reward + times.update));
}

}  // namespace

std::vector<Metric> metrics_of(const StepNumbers& numbers, const RlOptions& options, std::size_t step) {
  std::vector<Metric> metrics;
  metrics.emplace_back("reward",
                       response_mean(numbers, [&](std::size_t b) { return mixed(numbers, options, b, step); }));
  const std::vector<std::string> names = source_names(options);
  for (std::size_t k = 0; k < names.size(); ++k) {
    metrics.emplace_back("reward/" + names[k],
                         response_mean(numbers, [&](std::size_t b) { return whole(numbers.rewards.parts[b][k]); }));
    metrics.emplace_back("reward_weight/" + names[k], options.rewards[k].mix.weight(step));
  }
  if (!numbers.rewards.reference_log_prob.empty()) {
    metrics.emplace_back("kl", kl_of(numbers));
  }
  metrics.emplace_back("entropy", numbers.reading.entropy);
  metrics.emplace_back("length", length_of(numbers));
  metrics.emplace_back(
      "truncated", response_mean(numbers, [&](std::size_t b) { return numbers.responses[b].truncated ? 1.0 : 0.0; }));
  metrics.emplace_back("repetition",
                       response_mean(numbers, [&](std::size_t b) { return repetition(numbers.responses[b].tokens); }));
  metrics.emplace_back("advantage", token_mean(numbers, [&](std::size_t b, std::size_t t) {
                         return std::abs(numbers.advantages.advantage[b][t]);
                       }));
  metrics.emplace_back("loss", numbers.update.loss);
  metrics.emplace_back("gradient_norm", numbers.update.gradient_norm);
  metrics.emplace_back("clip_fraction", numbers.update.clip_fraction);
  metrics.emplace_back("update_kl", numbers.update.approximate_kl);
  if (options.advantage.algorithm == Algorithm::kPpo) {
    metrics.emplace_back("value_loss", numbers.update.value_loss);
  }
  metrics.emplace_back("rollout_mismatch", token_mean(numbers, [&](std::size_t b, std::size_t t) {
                         return std::abs(numbers.reading.log_prob[b][t] - numbers.responses[b].log_prob[t]);
                       }));
  metrics.emplace_back("learning_rate", numbers.learning_rate);
  add_times(metrics, numbers);
  return metrics;
}

StepHealth health_of(std::span<const Metric> metrics) {
  const auto number = [&](std::string_view name) {
    const auto found = std::ranges::find(metrics, name, &Metric::first);
    return found == metrics.end() ? std::nullopt : std::optional(found->second);
  };
  return {.loss = number("loss").value_or(0.0),
          .gradient_norm = number("gradient_norm").value_or(0.0),
          .entropy = number("entropy"),
          .length = number("length"),
          .kl = number("kl")};
}

std::vector<LoggedSample> samples_of(const StepNumbers& numbers, const RlOptions& options, const Engine& engine) {
  std::vector<LoggedSample> samples;
  for (std::size_t b = 0; b < std::min(options.samples, numbers.responses.size()); ++b) {
    const SampledResponse& response = numbers.responses[b];
    LoggedSample& sample = samples.emplace_back();
    sample.prompt = numbers.problems[response.problem].question;
    sample.response = response.text;
    sample.reward = whole(numbers.rewards.parts[b].front());
    sample.log_probs = numbers.reading.log_prob[b];
    sample.note = numbers.rewards.notes[b];
    for (const Token token : response.tokens) {
      sample.token_texts.push_back(engine.token_bytes(token));
    }
    if (!numbers.rewards.endogenous.empty()) {
      for (const TokenReward& token : numbers.rewards.endogenous[b]) {
        sample.token_rewards.push_back(token.reward);
      }
    }
  }
  return samples;
}

double repetition(std::span<const Token> tokens) {
  if (tokens.size() < kRun) {
    return 0.0;
  }
  std::set<std::array<Token, kRun>> seen;
  const std::size_t runs = tokens.size() - kRun + 1;
  for (std::size_t begin = 0; begin < runs; ++begin) {
    std::array<Token, kRun> run{};
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(begin), kRun, run.begin());
    seen.insert(run);
  }
  return static_cast<double>(runs - seen.size()) / static_cast<double>(runs);
}

}  // namespace endorm
