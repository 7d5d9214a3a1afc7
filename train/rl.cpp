#include "train/rl.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "train/advantage.h"
#include "train/decoder.h"
#include "train/policy_learner.h"
#include "train/policy_sampler.h"
#include "train/response_rewards.h"
#include "train/rl_numbers.h"
#include "train/training_data.h"

namespace endorm {
namespace {

constexpr std::uint64_t kDrawing = 0x9e3779b97f4a7c15ULL;  // streams of one seed that are not each other's
constexpr std::uint64_t kUpdating = 0xbf58476d1ce4e5b9ULL;
constexpr std::uint64_t kHeldOut = 0x94d049bb133111ebULL;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<TrainingSequence> sequences_of(std::span<const SampledResponse> responses,
                                           std::span<const RlProblem> problems) {
  std::vector<TrainingSequence> sequences;
  for (const SampledResponse& response : responses) {
    const Tokens& prompt = problems[response.problem].prompt;
    TrainingSequence& sequence = sequences.emplace_back(TrainingSequence{prompt, prompt.size()});
    sequence.tokens.insert(sequence.tokens.end(), response.tokens.begin(), response.tokens.end());
  }
  return sequences;
}

std::vector<Rollout> rollouts_of(std::span<const SampledResponse> responses, const ResponseRewards& rewards,
                                 const PolicyReading& reading) {
  std::vector<Rollout> rollouts;
  for (std::size_t b = 0; b < responses.size(); ++b) {
    Rollout& rollout = rollouts.emplace_back();
    rollout.group = responses[b].problem;
    rollout.log_prob = reading.log_prob.empty() ? responses[b].log_prob : reading.log_prob[b];
    if (!rewards.reference_log_prob.empty()) {
      rollout.reference_log_prob = rewards.reference_log_prob[b];
    }
    rollout.rewards = rewards.parts[b];
    if (!reading.values.empty()) {
      rollout.values = reading.values[b];
    }
  }
  return rollouts;
}

}  // namespace

struct RlRun::State {
  State(Decoder& given, PolicySampler& draws, const RlProblems& problems, const RlOptions& chosen)
      : policy(given),
        sampler(draws),
        data(problems),
        options(chosen),
        learner(given, chosen),
        walk(problems.problems.size(), chosen.seed) {
    options.update.schedule.steps = chosen.steps;
    options.advantage.sources.clear();
    for (const RewardSpec& source : chosen.rewards) {
      options.advantage.sources.push_back(source.mix);
    }
  }

  // The problems of a step, counted from 0.
  std::vector<RlProblem> problems_of(std::size_t step) {
    std::vector<RlProblem> problems;
    for (std::size_t index = 0; index < options.rollout.prompts; ++index) {
      problems.push_back(data.problems[walk.at(step * options.rollout.prompts + index)]);
    }
    return problems;
  }

  std::vector<SampledResponse> draw(std::span<const RlProblem> problems, std::size_t each, std::uint64_t seed) {
    if (taken != done) {  // the weights have moved since
      sampler.take(policy);
      taken = done;
    }
    return sampler.draw(
        problems, each,
        {.max_tokens = options.rollout.max_tokens, .temperature = options.rollout.temperature, .stop = {}}, seed);
  }

  // Whether the trainer has to read the responses before it learns from them. Where it takes one step along them, its
  // reading before that is the one it makes while it learns.
  bool reads_first() const {
    return options.update.epochs > 1 || options.update.minibatches > 1 || options.advantage.kl_coefficient > 0.0 ||
           options.advantage.algorithm == Algorithm::kPpo;
  }

  // Whether anything asks for the reference; a pass through a model is not made for a line of the log alone.
  bool reads_reference() const {
    const bool only_texts = std::ranges::all_of(options.rewards, [](const RewardSpec& source) {
      return source.kind == RewardKind::kVerified || source.kind == RewardKind::kMajority;
    });
    return !only_texts || options.advantage.kl_coefficient > 0.0 || options.loss.kl_coefficient > 0.0 ||
           options.guards.greatest_kl.has_value();
  }

  Decoder& policy;
  PolicySampler& sampler;
  const RlProblems& data;
  RlOptions options;
  PolicyLearner learner;
  EpochWalk walk;
  std::size_t done = 0;
  std::optional<std::size_t> taken;  // steps that the sampler's weights have done
};

RlRun::RlRun(Decoder& policy, PolicySampler& sampler, const RlProblems& data, const RlOptions& options)
    : state_(std::make_unique<State>(policy, sampler, data, options)) {}
RlRun::~RlRun() = default;

std::size_t RlRun::steps_done() const { return state_->done; }

// The way of the data: problems -> responses -> rewards -> advantages -> weights.
RlStep RlRun::advance(const FrozenModels& models) {
  State& state = *state_;
  const RlOptions& options = state.options;
  RlStep step;
  step.step = state.done + 1;
  StepTimes times;

  auto begin = std::chrono::steady_clock::now();
  const std::vector<RlProblem> problems = state.problems_of(state.done);
  const std::vector<SampledResponse> responses =
      state.draw(problems, options.rollout.group, options.seed + kDrawing * step.step);
  times.rollout = seconds_since(begin);

  begin = std::chrono::steady_clock::now();
  const ResponseRewards rewards = reward_responses(responses, problems, options.rewards, *models.reward,
                                                   state.reads_reference() ? models.reference : nullptr);
  times.reward = seconds_since(begin);

  begin = std::chrono::steady_clock::now();
  const std::vector<TrainingSequence> sequences = sequences_of(responses, problems);
  PolicyReading reading = state.reads_first() ? state.learner.read(sequences) : PolicyReading();
  const std::vector<Rollout> rollouts = rollouts_of(responses, rewards, reading);
  Advantages advantages = batch_advantages(rollouts, options.advantage, step.step);
  const PolicyTargets targets{.old_log_prob = reading.log_prob,
                              .reference_log_prob = rewards.reference_log_prob,
                              .advantage = advantages.advantage,
                              .returns = advantages.returns,
                              .old_values = reading.values};
  const double learning_rate = options.update.schedule.at(state.done);
  PolicyUpdate update = state.learner.update(sequences, targets, learning_rate, options.seed + kUpdating * step.step);
  if (!state.reads_first()) {
    reading = std::move(update.reading);
  }
  times.update = seconds_since(begin);
  ++state.done;

  const StepNumbers numbers{.responses = responses,
                            .problems = problems,
                            .rewards = rewards,
                            .advantages = advantages,
                            .reading = reading,
                            .update = update,
                            .times = times,
                            .learning_rate = learning_rate};
  step.metrics = metrics_of(numbers, options, step.step);
  if (options.samples_every > 0 && step.step % options.samples_every == 0) {
    step.samples = samples_of(numbers, options, models.reference->engine());
  }
  for (const SampledResponse& response : responses) {
    step.tokens += response.tokens.size();
  }
  return step;
}

double RlRun::accuracy(const RlProblems& held_out, std::size_t samples) {
  const std::vector<SampledResponse> responses =
      state_->draw(held_out.problems, samples, state_->options.seed + kHeldOut);
  return share_of_right(responses, held_out.problems);
}

void RlRun::save(const std::string& path, const std::string& fingerprint) const {
  state_->learner.save(path, fingerprint, state_->done);
}

void RlRun::resume(const std::string& path, const std::string& fingerprint) {
  state_->done = state_->learner.resume(path, fingerprint);
  state_->taken.reset();
}

}  // namespace endorm
