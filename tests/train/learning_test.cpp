// Problems small enough that their best policy is known: a bandit of five arms, and a row of states with a small reward
// at one end and a large one at the other. Every algorithm has to find it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <torch/torch.h>

#include "core/random.h"
#include "train/advantage.h"
#include "train/policy_loss.h"

namespace endorm {
namespace {

constexpr std::size_t kEnd = SIZE_MAX;
constexpr std::size_t kLongest = 12;  // steps of an episode
constexpr std::size_t kGroups = 8;
constexpr std::size_t kGroupSize = 6;

// An episode of T steps that ends with a transition to kEnd gets discount^T times its reward there; one cut off gets 0.
struct Problem {
  std::vector<std::vector<std::size_t>> next;  // [S,A]
  std::vector<std::vector<double>> reward;     // [S,A] on the way to kEnd
  double discount = 1.0;
  double noise = 0.0;  // deviation of the reward
};

Problem bandit() {
  return {.next = {{kEnd, kEnd, kEnd, kEnd, kEnd}}, .reward = {{0.1, 0.4, 0.9, 0.6, 0.2}}, .noise = 0.1};
}

Problem chain() {
  return {.next = {{kEnd, 1}, {0, 2}, {1, 3}, {2, kEnd}},
          .reward = {{0.1, 0.0}, {0.0, 0.0}, {0.0, 0.0}, {0.0, 1.0}},
          .discount = 0.9};
}

// By value iteration, [S].
std::vector<std::size_t> best_actions(const Problem& problem) {
  std::vector<double> values(problem.next.size(), 0.0);
  std::vector<std::size_t> best(problem.next.size(), 0);
  for (int sweep = 0; sweep < 200; ++sweep) {
    for (std::size_t s = 0; s < values.size(); ++s) {
      double highest = -1.0;
      for (std::size_t a = 0; a < problem.next[s].size(); ++a) {
        const std::size_t next = problem.next[s][a];
        const double value = problem.discount * (next == kEnd ? problem.reward[s][a] : values[next]);
        if (value > highest) {
          highest = value;
          best[s] = a;
        }
      }
      values[s] = highest;
    }
  }
  return best;
}

struct Episode {
  std::vector<int64_t> states = {};   // [T]
  std::vector<int64_t> actions = {};  // [T]
  double reward = 0.0;
};

// probs [S,A].
Episode sample(const Problem& problem, const torch::TensorAccessor<double, 2>& probs, std::size_t start,
               RandomStream& random) {
  Episode episode;
  double discount = 1.0;
  std::size_t state = start;
  while (episode.states.size() < kLongest) {
    double left = random.uniform();
    std::size_t action = 0;
    while (action + 1 < problem.next[state].size() && left >= probs[state][action]) {
      left -= probs[state][action++];
    }
    episode.states.push_back(static_cast<int64_t>(state));
    episode.actions.push_back(static_cast<int64_t>(action));
    discount *= problem.discount;
    if (problem.next[state][action] == kEnd) {
      episode.reward = discount * (problem.reward[state][action] + problem.noise * random.normal());
      break;
    }
    state = problem.next[state][action];
  }
  return episode;
}

struct Variant {
  std::string name;
  AdvantageOptions options = {};
  LossAverage average = LossAverage::kToken;
};

std::vector<Variant> variants() {
  return {{"ppo", {.algorithm = Algorithm::kPpo}},
          {"grpo", {.algorithm = Algorithm::kGrpo}, LossAverage::kSequence},
          {"grpo, undivided", {.algorithm = Algorithm::kGrpo, .divide_by_deviation = false}},
          {"rloo", {.algorithm = Algorithm::kRloo}, LossAverage::kSequence},
          {"reinforce++", {.algorithm = Algorithm::kReinforcePlusPlus}},
          {"reinforce++, group baseline", {.algorithm = Algorithm::kReinforcePlusPlus, .group_baseline = true}}};
}

// The tokens of a batch, one response after another.
struct Batch {
  std::vector<Rollout> rollouts;
  std::vector<std::size_t> lengths;   // [B]
  std::vector<int64_t> states = {};   // [N]
  std::vector<int64_t> actions = {};  // [N]
};

Batch sample_batch(const Problem& problem, const torch::Tensor& logits, const torch::Tensor& values,
                   RandomStream& random) {
  const torch::Tensor log_probs = torch::log_softmax(logits.detach(), 1);
  const torch::Tensor probs = log_probs.exp();
  const torch::Tensor fixed_values = values.detach();
  const auto log_prob_of = log_probs.accessor<double, 2>();
  const auto value_of = fixed_values.accessor<double, 1>();
  Batch batch;
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::size_t start = random.below(problem.next.size());
    for (std::size_t i = 0; i < kGroupSize; ++i) {
      const Episode episode = sample(problem, probs.accessor<double, 2>(), start, random);
      Rollout rollout{.group = group, .rewards = {{.response = episode.reward}}};
      for (std::size_t t = 0; t < episode.states.size(); ++t) {
        rollout.log_prob.push_back(log_prob_of[episode.states[t]][episode.actions[t]]);
        rollout.values.push_back(value_of[episode.states[t]]);
      }
      batch.rollouts.push_back(std::move(rollout));
      batch.lengths.push_back(episode.states.size());
      batch.states.insert(batch.states.end(), episode.states.begin(), episode.states.end());
      batch.actions.insert(batch.actions.end(), episode.actions.begin(), episode.actions.end());
    }
  }
  return batch;
}

torch::Tensor packed(const std::vector<std::vector<double>>& responses) {
  std::vector<double> all;
  for (const std::vector<double>& response : responses) {
    all.insert(all.end(), response.begin(), response.end());
  }
  return torch::tensor(all, torch::kFloat64);
}

// The smallest probability, over the states, of the best action.
double worst_best(const torch::Tensor& logits, const std::vector<std::size_t>& best) {
  const torch::Tensor probs = torch::softmax(logits.detach(), 1);
  double worst = 1.0;
  for (std::size_t s = 0; s < best.size(); ++s) {
    worst = std::min(worst, probs[static_cast<int64_t>(s)][static_cast<int64_t>(best[s])].item<double>());
  }
  return worst;
}

// Steps until every state takes its best action with a probability above 0.95; none where 300 are not enough.
std::optional<int> steps_to_learn(const Problem& problem, const Variant& variant, std::uint64_t seed) {
  const std::vector<std::size_t> best = best_actions(problem);
  const auto states = static_cast<int64_t>(problem.next.size());
  const auto actions = static_cast<int64_t>(problem.next[0].size());
  const torch::Tensor logits = torch::zeros({states, actions}, torch::kFloat64).requires_grad_();
  const torch::Tensor values = torch::zeros({states}, torch::kFloat64).requires_grad_();
  torch::optim::Adam optimiser({logits, values}, torch::optim::AdamOptions(0.05));
  RandomStream random(seed);
  for (int step = 0; step < 300; ++step) {
    const Batch batch = sample_batch(problem, logits, values, random);
    const Advantages found = batch_advantages(batch.rollouts, variant.options, static_cast<std::size_t>(step));
    std::vector<std::vector<double>> old_log_prob;
    std::vector<std::vector<double>> old_values;
    for (const Rollout& rollout : batch.rollouts) {
      old_log_prob.push_back(rollout.log_prob);
      old_values.push_back(rollout.values);
    }
    const torch::Tensor at_states = torch::tensor(batch.states, torch::kInt64);
    const torch::Tensor taken = torch::tensor(batch.actions, torch::kInt64);
    PolicyTokens tokens{.old_log_prob = packed(old_log_prob),
                        .advantage = packed(found.advantage),
                        .weight = torch::tensor(token_weights(batch.lengths, variant.average), torch::kFloat64)};
    for (int epoch = 0; epoch < 2; ++epoch) {
      tokens.log_prob = torch::log_softmax(logits, 1).index({at_states, taken});
      torch::Tensor loss = policy_loss(tokens, {}).loss;
      if (variant.options.algorithm == Algorithm::kPpo) {
        loss = loss + value_loss(values.index({at_states}), packed(old_values), packed(found.returns), tokens.weight);
      }
      optimiser.zero_grad();
      loss.backward();
      optimiser.step();
    }
    if (worst_best(logits, best) > 0.95) {
      return step + 1;
    }
  }
  return std::nullopt;
}

void check_learns(const Problem& problem) {
  for (const Variant& variant : variants()) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const std::optional<int> steps = steps_to_learn(problem, variant, seed);
      const std::string took = steps ? std::to_string(*steps) + " steps" : "more than 300 steps";
      MESSAGE(variant.name << ", seed " << seed << ": " << took);
      CHECK(steps.has_value());
    }
  }
}

TEST_CASE("every algorithm finds the best arm of a bandit") {
  REQUIRE(best_actions(bandit()) == std::vector<std::size_t>{2});
  check_learns(bandit());
}

TEST_CASE("every algorithm walks to the far end of a chain, past the near reward") {
  REQUIRE(best_actions(chain()) == std::vector<std::size_t>{1, 1, 1, 1});
  check_learns(chain());
}

}  // namespace
}  // namespace endorm
