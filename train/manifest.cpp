#include "train/manifest.h"

#include <nlohmann/json.hpp>

#include "score/option.h"
#include "train/trained_model.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

// What is a constant today stands beside the options: a result depends on it, and a later version may have another.

json weights_of(const RewardSource& source) {
  json points = json::array();
  for (const WeightAtStep& point : source.weights) {
    points.push_back({point.step, point.weight});
  }
  return points;
}

json aggregate_of(Aggregation kind) {
  constexpr AggregateOptions kStandard;
  return {{"kind", aggregation_name(kind)},
          {"gamma", kStandard.gamma},
          {"floor", kStandard.floor},
          {"chunk", kStandard.chunk},
          {"last_k", kStandard.last_k}};
}

json source_of(const RewardSpec& source) {
  json told = {{"source", name_of<RewardKind>(kRewardKinds, source.kind)},
               {"weight", weights_of(source.mix)},
               {"normalise", name_of<RewardScope>(kRewardScopes, source.mix.normalise)}};
  if (reads_logits(source)) {
    told["dense"] = source.dense;
    told["alpha"] = 1.0;
    told["aggregate"] = aggregate_of(source.aggregation);
    told["step_separator"] = source.step_separator;
  }
  return told;
}

json rollout_of(const RolloutOptions& options) {
  return {{"prompts", options.prompts},
          {"group", options.group},
          {"max_tokens", options.max_tokens},
          {"max_prompt_tokens", options.max_prompt_tokens},
          {"temperature", 1.0},
          {"precision", precision_name(options.precision)},
          {"template_kwargs", options.text.arguments},
          {"template_date", options.text.date}};
}

json advantage_of(const AdvantageOptions& options) {
  return {{"algorithm", name_of<Algorithm>(kAlgorithms, options.algorithm)},
          {"gamma", options.gamma},
          {"lambda", options.lambda},
          {"standardise_advantages", true},
          {"divide_by_deviation", options.divide_by_deviation},
          {"process_supervision", false},
          {"group_baseline", options.group_baseline},
          {"kl_in_reward", options.kl_coefficient},
          {"kl_in_reward_estimator", name_of<KlEstimator>(kKlEstimators, options.kl_estimator)},
          {"epsilon", options.epsilon}};
}

json loss_of(const PolicyLossOptions& options) {
  return {{"objective", name_of<PolicyObjective>(kPolicyObjectives, options.objective)},
          {"clip_low", kClip},
          {"clip_high", kClip},
          {"dual_clip", nullptr},
          {"kl_in_loss", options.kl_coefficient},
          {"kl_in_loss_estimator", name_of<KlEstimator>(kKlEstimators, options.kl_estimator)},
          {"entropy_coefficient", options.entropy_coefficient}};
}

// What both kinds of run say of how weights move.
json optimizer_of(const TrainingOptions& options) {
  return {{"learning_rate", options.schedule.peak},
          {"warm_up", options.schedule.warm_up},
          {"decay", name_of<LearningRateDecay>(kLearningRateDecays, options.schedule.decay)},
          {"final_fraction", options.schedule.final_fraction},
          {"weight_decay", options.weight_decay},
          {"clip_norm", options.clip_norm}};
}

json lora_of(const TrainingOptions& options) {
  return options.lora_rank == 0 ? json(nullptr) : json{{"rank", options.lora_rank}, {"alpha", options.lora_alpha}};
}

json update_of(const RlOptions& options) {
  json told = optimizer_of(options.run);
  told.update({{"epochs", options.update.epochs},
               {"minibatches", options.update.minibatches},
               {"average", name_of<LossAverage>(kLossAverages, options.update.average)},
               {"value_coefficient", kValueCoefficient},
               {"value_clip", kClip},
               {"pass_tokens", options.run.pass_tokens},
               {"recompute_layers", options.run.recompute_layers}});
  return told;
}

}  // namespace

json sft_manifest(const SftOptions& options, const Engine& engine, const TrainingData& data,
                  const ComputeType& compute) {
  json told = {
      {"kind", "sft"},
      {"model", engine.model().fingerprint},
      {"template", engine.model().template_fingerprint},
      {"data", {{"sha256", data.sha256}, {"sequences", data.sequences.size()}, {"targets", data.target_tokens}}},
      {"batch", options.batch},
      {"steps", options.run.steps}};
  told.update(optimizer_of(options.run));
  told.update({{"pass_tokens", options.run.pass_tokens},
               {"lora", lora_of(options.run)},
               {"compute", compute_name(compute)},
               {"recompute_layers", options.run.recompute_layers},
               {"seed", options.run.seed}});
  if (options.new_model) {
    for (const Option<NewModelFile>& option : new_model_options()) {
      told["new_model"][std::string(option.name)] = option.get(*options.new_model);
    }
  }
  return told;
}

json rl_manifest(const RlOptions& options, const FrozenModels& models, const RlProblems& data,
                 const RlProblems& held_out, const ComputeType& compute) {
  const Engine& start = models.start();
  json told = {{"kind", "rl"},
               {"steps", options.run.steps},
               {"seed", options.run.seed},
               {"policy", start.model().fingerprint},
               {"template", start.model().template_fingerprint},
               {"reward_model", models.reward().model().fingerprint},
               {"refresh_every", options.refresh_every},
               {"reference", start.model().fingerprint},
               {"data", {{"sha256", data.sha256}, {"problems", data.problems.size()}}}};
  if (!held_out.problems.empty()) {
    told["held_out"] = {{"sha256", held_out.sha256},
                        {"problems", held_out.problems.size()},
                        {"every", options.held_out_every},
                        {"samples", options.held_out_samples}};
  }
  told["rewards"] = json::array();
  for (const RewardSpec& source : options.rewards) {
    told["rewards"].push_back(source_of(source));
  }
  told["rollout"] = rollout_of(options.rollout);
  told["advantage"] = advantage_of(options.advantage);
  told["loss"] = loss_of(options.loss);
  told["update"] = update_of(options);
  told["lora"] = lora_of(options.run);
  told["compute"] = compute_name(compute);
  return told;
}

}  // namespace endorm
