#include "judge/reward_difference.h"

#include <algorithm>
#include <string>

#include "core/errors.h"

namespace endorm {
namespace {

using Others = std::span<const ScoredResponse* const>;

// own minus the mean of the others' numbers; `number` reads one of a scored response.
template <typename Number>
double difference(const ScoredResponse& own, Others others, const Number& number) {
  double sum = 0.0;
  for (const ScoredResponse* other : others) {
    sum += number(*other);
  }
  return number(own) - sum / static_cast<double>(others.size());
}

// The same of a number that may be absent: absent in one, absent in the difference.
template <typename Number>
std::optional<double> optional_difference(const ScoredResponse& own, Others others, const Number& number) {
  const auto is_there = [&](const ScoredResponse* response) { return number(*response).has_value(); };
  if (!is_there(&own) || !std::all_of(others.begin(), others.end(), is_there)) {
    return std::nullopt;
  }
  return difference(own, others, [&](const ScoredResponse& response) { return *number(response); });
}

Aggregates aggregate_differences(const ScoredResponse& own, Others others) {
  const auto of = [&](double Aggregates::*field) {
    return difference(own, others, [&](const ScoredResponse& response) { return response.aggregates.value().*field; });
  };
  const auto of_optional = [&](std::optional<double> Aggregates::*field) {
    return optional_difference(own, others,
                               [&](const ScoredResponse& response) { return response.aggregates.value().*field; });
  };
  Aggregates result;
  result.sum = of(&Aggregates::sum);
  result.mean = of(&Aggregates::mean);
  result.discounted = of(&Aggregates::discounted);
  result.chunked_mean = of(&Aggregates::chunked_mean);
  result.last_k = of(&Aggregates::last_k);
  result.step_mean = of_optional(&Aggregates::step_mean);
  result.min_step = of_optional(&Aggregates::min_step);
  for (std::size_t i = 0; i < own.aggregates.value().steps.size(); ++i) {
    const auto of_step = [&](double StepReward::*field) {
      return difference(own, others,
                        [&](const ScoredResponse& response) { return response.aggregates.value().steps[i].*field; });
    };
    result.steps.push_back({own.aggregates->steps[i].tokens, of_step(&StepReward::sum), of_step(&StepReward::mean)});
  }
  return result;
}

std::vector<TokenReward> token_differences(const ScoredResponse& own, Others others) {
  std::vector<TokenReward> tokens(own.tokens.size());
  for (std::size_t h = 0; h < tokens.size(); ++h) {
    const auto of = [&](double TokenReward::*field) {
      return difference(own, others, [&](const ScoredResponse& response) { return response.tokens[h].*field; });
    };
    tokens[h].q = of(&TokenReward::q);
    tokens[h].value = of(&TokenReward::value);
    tokens[h].log_prob = of(&TokenReward::log_prob);
    tokens[h].reward = of(&TokenReward::reward);
  }
  return tokens;
}

void require_same_steps(const ScoredResponse& own, Others others) {
  const std::size_t steps = own.aggregates.value().steps.size();
  for (const ScoredResponse* other : others) {
    const std::size_t found = other->aggregates.value().steps.size();
    if (found != steps) {
      throw InvalidInput("[minus_mean_of] the response has " + std::to_string(steps) + " steps, and " +
                         std::to_string(found) + " where its reward is compared with; score it without steps");
    }
  }
}

}  // namespace

ScoredResponse minus_mean_of(const ScoredResponse& own, Others others, Aggregation kind) {
  if (others.empty()) {
    throw InternalError("[minus_mean_of] there is nothing to compare with. Please report it.");
  }
  require_same_steps(own, others);
  ScoredResponse result;
  result.aggregates = aggregate_differences(own, others);
  result.reward = chosen_reward(*result.aggregates, kind);
  result.log_prob = optional_difference(own, others, [](const ScoredResponse& response) { return response.log_prob; });
  result.value = optional_difference(own, others, [](const ScoredResponse& response) { return response.value; });
  result.finish = own.finish;
  result.truncated_left = own.truncated_left;
  const bool same_tokens = std::all_of(others.begin(), others.end(), [&](const ScoredResponse* other) {
    return other->token_ids == own.token_ids && other->token_texts == own.token_texts;
  });
  if (same_tokens) {
    result.tokens = token_differences(own, others);
    result.token_ids = own.token_ids;
    result.token_texts = own.token_texts;
  }
  return result;
}

}  // namespace endorm
