#include "train/rl_session.h"

#include <algorithm>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "train/manifest.h"
#include "train/rl.h"
#include "train/run_directory.h"

namespace endorm {
namespace {

LlamaEngineOptions sampler_engine(LlamaEngineOptions engine, Precision precision) {
  engine.precision = precision;
  if (precision == Precision::kExact) {
    engine.cache_type = CacheType::kF32;  // keys and values in f16 are what the trainer would differ by most
  }
  return engine;
}

}  // namespace

TrainingOutcome run_rl(const RlOptions& options, const LlamaEngineOptions& given, const StepReport& report) {
  make_run_directory(options.run.directory);
  LlamaEngineOptions engine = given;
  // The type of products that was measured to be fastest stays the same when the run goes on.
  engine.choice_cache_directory = (std::filesystem::path(options.run.directory) / "products").string();
  FrozenModels models(engine, options.reward_model);
  const auto read = [&](const std::string& path, bool needs_answers) {
    return path.empty() ? RlProblems()
                        : read_rl_problems(path, models.start().engine(), options.rollout.text,
                                           options.rollout.max_prompt_tokens, needs_answers);
  };
  const bool verifies =
      std::ranges::find(options.rewards, RewardKind::kVerified, &RewardSpec::kind) != options.rewards.end();
  const RlProblems data = read(options.data, verifies);
  const RlProblems held_out = read(options.held_out, true);
  TrainedModel policy = load_trained_model(options.run, models.start().vocabulary());
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
