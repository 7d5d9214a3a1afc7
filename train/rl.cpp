#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "train/export.h"
#include "train/manifest.h"
#include "train/policy_learner.h"
#include "train/policy_sampler.h"
#include "train/response_rewards.h"
#include "train/rl_numbers.h"
#include "train/rl_options.h"
#include "train/trained_model.h"
#include "train/training_data.h"
#include "train/training_run.h"

namespace endorm {
namespace {

constexpr std::uint64_t kDrawing = 0x9e3779b97f4a7c15ULL;  // streams of one seed that are not each other's
constexpr std::uint64_t kUpdating = 0xbf58476d1ce4e5b9ULL;
constexpr std::uint64_t kHeldOut = 0x94d049bb133111ebULL;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

LlamaEngineOptions sampler_engine(LlamaEngineOptions engine, Precision precision) {
  engine.precision = precision;
  if (precision == Precision::kExact) {
    engine.cache_type = CacheType::kF32;  // keys and values in f16 are what the trainer would differ by most
  }
  return engine;
}

// Reinforcement learning, step by step: prompts in an order of the seed's -> responses of the policy as it is ->
// rewards -> advantages -> an update of the policy. What it is given must outlive it.
class RlRun : public Learner {
 public:
  // Turns on the policy's gradients. held_out: problems that are sampled and graded, never learnt; may be empty.
  RlRun(TrainedModel& policy, PolicySampler& sampler, FrozenModels& models, const RlProblems& data,
        const RlProblems& held_out, const RlOptions& options)
      : policy_(policy),
        sampler_(sampler),
        models_(models),
        data_(data),
        held_out_(held_out),
        options_(options),
        learner_(policy.decoder, options),
        guards_(options.guards),
        walk_(data.problems.size(), options.run.seed) {
    options_.advantage.sources.clear();
    for (const RewardSpec& source : options.rewards) {
      options_.advantage.sources.push_back(source.mix);
    }
  }

  std::size_t steps_done() const override { return done_; }
  bool rolls_back() const override { return options_.on_fault == OnFault::kRollBack; }

  // The next step, with the accuracy of the policy that it begins with where that is due, and of the last one's result.
  TrainingStep advance() override {
    const bool asks = !held_out_.problems.empty();
    const bool before = asks && done_ % options_.held_out_every == 0;
    const double accuracy = before ? held_out_accuracy() : 0.0;
    TrainingStep step = learn();
    if (before) {
      step.metrics.emplace_back("held_out_accuracy", accuracy);
    }
    if (asks && done_ == options_.run.steps) {
      step.held_out = held_out_accuracy();
      step.metrics.emplace_back("held_out_accuracy_after", *step.held_out);
    }
    return step;
  }

  std::optional<std::string> fault_of(std::span<const Metric> metrics) override {
    return guards_.check(health_of(metrics));
  }

  // A step behind which the reward model becomes the policy of then has a checkpoint.
  bool checkpoint_is_due() const override { return options_.refresh_every > 0 && done_ % options_.refresh_every == 0; }

  // A reward model that is refreshed lies there before the checkpoint does; the one before it goes afterwards.
  void save(const std::string& path, const std::string& fingerprint) override {
    const bool refreshes = checkpoint_is_due();
    if (refreshes) {
      export_model(refreshed_path(done_), policy_.file, policy_.decoder, TensorType::kF32);
      models_.refresh(refreshed_path(done_));
    }
    learner_.save(path, fingerprint, done_);
    if (refreshes && done_ > options_.refresh_every) {
      std::error_code ignored;
      std::filesystem::remove(refreshed_path(done_ - options_.refresh_every), ignored);
    }
  }

  void resume(const std::string& path, const std::string& fingerprint) override {
    done_ = learner_.resume(path, fingerprint);
    taken_.reset();
    if (options_.refresh_every > 0 && done_ >= options_.refresh_every) {
      models_.refresh(refreshed_path(done_ - done_ % options_.refresh_every));
    }
  }

 private:
  std::vector<SampledResponse> draw(std::span<const RlProblem> problems, std::size_t each, std::uint64_t seed) {
    if (taken_ != done_) {  // the weights have moved since
      sampler_.take(policy_.decoder);
      taken_ = done_;
    }
    return sampler_.draw(problems, each, {.max_tokens = options_.rollout.max_tokens, .temperature = 1.0, .stop = {}},
                         seed);
  }

  // Whether the trainer has to read the responses before it learns from them. Where it takes one step along them, its
  // reading before that is the one it makes while it learns.
  bool reads_first() const {
    return options_.update.epochs > 1 || options_.update.minibatches > 1 || options_.advantage.kl_coefficient > 0.0 ||
           options_.advantage.algorithm == Algorithm::kPpo;
  }

  // Whether anything asks for the reference; a pass through a model is not made for a line of the log alone.
  bool reads_reference() const {
    return std::ranges::any_of(options_.rewards, reads_logits) || options_.advantage.kl_coefficient > 0.0 ||
           options_.loss.kl_coefficient > 0.0 || options_.guards.greatest_kl.has_value();
  }

  // The way of the data: problems -> responses -> rewards -> advantages -> weights.
  TrainingStep learn() {
    TrainingStep step{.step = done_ + 1};
    StepTimes times;

    auto begin = std::chrono::steady_clock::now();
    const std::vector<RlProblem> problems =
        walk_.of_step(std::span<const RlProblem>(data_.problems), options_.rollout.prompts, done_);
    const std::vector<SampledResponse> responses =
        draw(problems, options_.rollout.group, options_.run.seed + kDrawing * step.step);
    times.rollout = seconds_since(begin);

    begin = std::chrono::steady_clock::now();
    const ResponseRewards rewards = reward_responses(responses, problems, options_.rewards, models_.reward(),
                                                     reads_reference() ? &models_.start() : nullptr);
    times.reward = seconds_since(begin);

    begin = std::chrono::steady_clock::now();
    const std::vector<TrainingSequence> sequences = sequences_of(responses, problems);
    PolicyReading reading = reads_first() ? learner_.read(sequences) : PolicyReading();
    const std::vector<Rollout> rollouts = rollouts_of(responses, rewards, reading);
    const Advantages advantages = batch_advantages(rollouts, options_.advantage, step.step);
    const PolicyTargets targets{.old_log_prob = reading.log_prob,
                                .reference_log_prob = rewards.reference_log_prob,
                                .advantage = advantages.advantage,
                                .returns = advantages.returns,
                                .old_values = reading.values};
    const double learning_rate = options_.run.schedule.at(done_, options_.run.steps);
    PolicyUpdate update = learner_.update(sequences, targets, learning_rate, options_.run.seed + kUpdating * step.step);
    if (!reads_first()) {
      reading = std::move(update.reading);
    }
    times.update = seconds_since(begin);
    ++done_;

    const StepNumbers numbers{.responses = responses,
                              .problems = problems,
                              .rewards = rewards,
                              .advantages = advantages,
                              .reading = reading,
                              .update = update,
                              .times = times,
                              .learning_rate = learning_rate};
    step.metrics = metrics_of(numbers, options_, step.step);
    if (options_.samples_every > 0 && step.step % options_.samples_every == 0) {
      step.samples = samples_of(numbers, options_, models_.start());
    }
    for (const SampledResponse& response : responses) {
      step.tokens += response.tokens.size();
    }
    return step;
  }

  // The share of right answers of the policy as it is.
  double held_out_accuracy() {
    return share_of_right(draw(held_out_.problems, options_.held_out_samples, options_.run.seed + kHeldOut),
                          held_out_.problems);
  }

  std::string refreshed_path(std::size_t step) const {
    const std::string name = "reward-model-" + std::to_string(step) + ".gguf";
    return (std::filesystem::path(options_.run.directory) / name).string();
  }

  TrainedModel& policy_;
  PolicySampler& sampler_;
  FrozenModels& models_;
  const RlProblems& data_;
  const RlProblems& held_out_;
  RlOptions options_;
  PolicyLearner learner_;
  Guards guards_;
  EpochWalk walk_;
  std::size_t done_ = 0;
  std::optional<std::size_t> taken_;  // steps that the sampler's weights have done
};

}  // namespace

TrainingOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& given, const StepReport& report) {
  make_run_directory(options.run.directory);
  LlamaEngineOptions engine = given;
  // The type of products that was measured to be fastest stays the same when the run goes on.
  engine.choice_cache_directory = (std::filesystem::path(options.run.directory) / "products").string();
  FrozenModels models(engine, options.reward_model);
  const auto read = [&](const std::string& path, bool needs_answers) {
    return path.empty() ? RlProblems()
                        : read_rl_problems(path, models.start(), options.rollout.text,
                                           options.rollout.max_prompt_tokens, needs_answers);
  };
  const bool verifies =
      std::ranges::find(options.rewards, RewardKind::kVerified, &RewardSpec::kind) != options.rewards.end();
  const RlProblems data = read(options.data, verifies);
  const RlProblems held_out = read(options.held_out, true);
  TrainedModel policy = load_trained_model(options.run, models.start().model().vocabulary);
  PolicySampler sampler(sampler_engine(engine, options.rollout.precision), policy.file, options.run.directory);
  RlRun run(policy, sampler, models, data, held_out, options);
  TrainingOutcome outcome =
      run_training(run, policy, options.run, rl_manifest(options, models, data, held_out, policy.compute), report);
  outcome.examples = data.problems.size();
  outcome.left_out = data.left_out;
  outcome.left_out.insert(outcome.left_out.end(), held_out.left_out.begin(), held_out.left_out.end());
  return outcome;
}

}  // namespace endorm
