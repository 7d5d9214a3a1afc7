#include "train/rl_manifest.h"

#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "train/decoder_loading.h"
#include "train/frozen_model.h"
#include "train/response_rewards.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

json weights_of(const RewardSource& source) {
  json points = json::array();
  for (const WeightAtStep& point : source.weights) {
    points.push_back({point.step, point.weight});
  }
  return points;
}

json aggregate_of(const AggregateOptions& options) {
  return {{"kind", aggregation_name(options.kind)},
          {"gamma", options.gamma},
          {"floor", options.floor},
          {"chunk", options.chunk},
          {"last_k", options.last_k}};
}

json source_of(const RewardSpec& source) {
  json told = {{"source", reward_kind_name(source.kind)},
               {"weight", weights_of(source.mix)},
               {"normalise", reward_scope_name(source.mix.normalise)}};
  if (source.kind == RewardKind::kEndogenous || source.kind == RewardKind::kRelative) {
    told["dense"] = source.dense;
    told["alpha"] = source.alpha;
    told["aggregate"] = aggregate_of(source.aggregate);
    told["step_separator"] = source.step_separator;
  }
  return told;
}

json optional(const std::optional<double>& number) { return number ? json(*number) : json(nullptr); }

json rollout_of(const RolloutOptions& options) {
  return {{"prompts", options.prompts},
          {"group", options.group},
          {"max_tokens", options.max_tokens},
          {"max_prompt_tokens", options.max_prompt_tokens},
          {"temperature", options.temperature},
          {"precision", precision_name(options.precision)},
          {"template_kwargs", options.text.arguments},
          {"template_date", options.text.date}};
}

json advantage_of(const AdvantageOptions& options) {
  return {{"algorithm", algorithm_name(options.algorithm)},
          {"gamma", options.gamma},
          {"lambda", options.lambda},
          {"standardise_advantages", options.standardise_advantages},
          {"divide_by_deviation", options.divide_by_deviation},
          {"process_supervision", options.process_supervision},
          {"group_baseline", options.group_baseline},
          {"kl_in_reward", options.kl_coefficient},
          {"kl_in_reward_estimator", kl_estimator_name(options.kl_estimator)},
          {"epsilon", options.epsilon}};
}

json loss_of(const PolicyLossOptions& options) {
  return {{"objective", policy_objective_name(options.objective)},
          {"clip_low", options.clip_low},
          {"clip_high", options.clip_high},
          {"dual_clip", optional(options.dual_clip)},
          {"kl_in_loss", options.kl_coefficient},
          {"kl_in_loss_estimator", kl_estimator_name(options.kl_estimator)},
          {"entropy_coefficient", options.entropy_coefficient}};
}

json update_of(const UpdateOptions& options) {
  const LearningRateSchedule& schedule = options.schedule;
  return {{"learning_rate", schedule.peak},
          {"warm_up", schedule.warm_up},
          {"decay", learning_rate_decay_name(schedule.decay)},
          {"final_fraction", schedule.final_fraction},
          {"weight_decay", options.weight_decay},
          {"clip_norm", options.clip_norm},
          {"epochs", options.epochs},
          {"minibatches", options.minibatches},
          {"average", loss_average_name(options.average)},
          {"value_coefficient", options.value_coefficient},
          {"value_clip", optional(options.value_clip)},
          {"pass_tokens", options.pass_tokens},
          {"recompute_layers", options.recompute_layers}};
}

}  // namespace

std::string rl_manifest(const RlOptions& options, const FrozenModels& models, const RlProblems& data,
                        const RlProblems& held_out, const ComputeType& compute) {
  json sources = json::array();
  for (const RewardSpec& source : options.rewards) {
    sources.push_back(source_of(source));
  }
  json told = {{"kind", "rl"},
               {"steps", options.steps},
               {"seed", options.seed},
               {"policy", models.start->engine().fingerprint()},
               {"template", models.start->engine().template_fingerprint()},
               {"reward_model", models.reward->engine().fingerprint()},
               {"refresh_every", options.refresh_every},
               {"reference", models.reference->engine().fingerprint()},
               {"data", {{"sha256", data.sha256}, {"problems", data.problems.size()}}}};
  if (!held_out.problems.empty()) {
    told["held_out"] = {{"sha256", held_out.sha256},
                        {"problems", held_out.problems.size()},
                        {"every", options.held_out_every},
                        {"samples", options.held_out_samples}};
  }
  told["rewards"] = std::move(sources);
  told["rollout"] = rollout_of(options.rollout);
  told["advantage"] = advantage_of(options.advantage);
  told["loss"] = loss_of(options.loss);
  told["update"] = update_of(options.update);
  told["lora"] =
      options.lora_rank == 0 ? json(nullptr) : json{{"rank", options.lora_rank}, {"alpha", options.lora_alpha}};
  told["compute"] = compute_name(compute);
  return told.dump();
}

}  // namespace endorm
