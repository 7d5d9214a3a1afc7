#include "train/rl_config.h"

#include <algorithm>
#include <utility>

#include "core/errors.h"
#include "score/request_tokens.h"
#include "train/response_rewards.h"

namespace endorm {
namespace {

std::string_view on_fault_name(OnFault on_fault) { return on_fault == OnFault::kStop ? "stop" : "roll_back"; }

// Reads one of `choices` by the name that `name` gives it.
template <typename Choice, typename Name>
void read_choice(ConfigTable& table, const std::string& key, Choice& value, const std::vector<Choice>& choices,
                 const Name& name, const std::string& help) {
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const Choice choice : choices) {
    names.emplace_back(name(choice));
  }
  auto index = static_cast<std::size_t>(std::find(choices.begin(), choices.end(), value) - choices.begin());
  table.read_choice(key, index, names, help);
  value = choices[index];
}

void read_estimator(ConfigTable& table, const std::string& key, KlEstimator& value, const std::string& help) {
  read_choice(table, key, value, {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}, kl_estimator_name, help);
}

// A string that is one of names.
void read_name(ConfigTable& table, const std::string& key, std::string& value, const std::vector<std::string>& names,
               const std::string& help) {
  auto index = static_cast<std::size_t>(std::find(names.begin(), names.end(), value) - names.begin());
  table.read_choice(key, index, names, help);
  value = names[index];
}

void read_reward(ConfigTable& table, RewardSpec& source) {
  read_choice(
      table, "source", source.kind,
      {RewardKind::kEndogenous, RewardKind::kRelative, RewardKind::kVerified, RewardKind::kMajority}, reward_kind_name,
      "what a response is rewarded for: the reward model's own logits, its log pi less the reference's, a right "
      "answer, the answer of most responses to the prompt");
  std::vector<std::pair<std::size_t, double>> weights = {{0, 1.0}};
  table.read("weight", weights, "how much it counts: a number, or [[step, number], ...] with straight lines between");
  source.mix.weights.clear();
  for (const auto& [step, weight] : weights) {
    source.mix.weights.push_back({step, weight});
  }
  read_choice(table, "normalise", source.mix.normalise, {RewardScope::kNone, RewardScope::kGroup, RewardScope::kBatch},
              reward_scope_name, "over which responses it is brought to mean 0 and deviation 1 before it is mixed");
  table.read("dense", source.dense, "endogenous, relative: a reward at every token, in the place of one a response");
  table.read("alpha", source.alpha, "endogenous: temperature of the soft value");
  read_choice(table, "aggregation", source.aggregate.kind,
              {Aggregation::kDiscounted, Aggregation::kSum, Aggregation::kMean, Aggregation::kChunkedMean,
               Aggregation::kStepMean, Aggregation::kMinStep, Aggregation::kLastK},
              aggregation_name, "endogenous, relative: how tokens become one number");
  table.read("gamma", source.aggregate.gamma, "of discounted");
  table.read("floor", source.aggregate.floor, "of discounted: the smallest weight");
  table.read("chunk", source.aggregate.chunk, "of chunked_mean: tokens");
  table.read("last_k", source.aggregate.last_k, "of last_k: tokens");
  table.read("step_separator", source.step_separator, "of step_mean and min_step");
  table.refuse_others();
}

void read_rollout(ConfigTable table, RolloutOptions& options) {
  table.read("prompts", options.prompts, "prompts a step");
  table.read("group", options.group, "responses to each prompt");
  table.read("max_tokens", options.max_tokens, "of a response; a longer one is cut off there");
  table.read("max_prompt_tokens", options.max_prompt_tokens, "longer prompts are left out, and said");
  table.read("template_kwargs", options.text.arguments,
             "what the chat template reads beside the messages, the text of a JSON object; a row's own "
             "chat_template_kwargs and tools come before it");
  table.read("template_date", options.text.date, "today, for templates that ask: YYYY-MM-DD");
  options.text.arguments = template_arguments_from(options.text.arguments, "rollout.template_kwargs");
  check_template_date(options.text.date);
  table.read("temperature", options.temperature, "of the draw");
  read_choice(table, "precision", options.precision, {Precision::kExact, Precision::kFast, Precision::kNative},
              precision_name, "of the engine that draws; what it costs is logged as rollout_mismatch");
  table.refuse_others();
}

void read_algorithm(ConfigTable table, RlOptions& options) {
  AdvantageOptions& advantage = options.advantage;
  PolicyLossOptions& loss = options.loss;
  read_choice(table, "name", advantage.algorithm,
              {Algorithm::kPpo, Algorithm::kGrpo, Algorithm::kRloo, Algorithm::kReinforcePlusPlus}, algorithm_name,
              "how rewards become advantages");
  table.read("gamma", advantage.gamma, "ppo, reinforce++: discount of later tokens");
  table.read("lambda", advantage.lambda, "ppo: of the generalised advantage");
  table.read("standardise_advantages", advantage.standardise_advantages, "ppo: over the tokens of a step");
  table.read("divide_by_deviation", advantage.divide_by_deviation, "grpo: false is Dr. GRPO");
  table.read("process_supervision", advantage.process_supervision, "grpo: for dense rewards");
  table.read("group_baseline", advantage.group_baseline, "reinforce++: the group's mean is subtracted first");
  read_choice(table, "objective", loss.objective, {PolicyObjective::kClipped, PolicyObjective::kReinforce},
              policy_objective_name, "the clipped ratio, or plain -A log pi");
  table.read("clip_low", loss.clip_low, "the ratio is kept above 1 - clip_low");
  table.read("clip_high", loss.clip_high, "the ratio is kept below 1 + clip_high");
  table.read("dual_clip", loss.dual_clip, "bound of the loss where the advantage is negative; false: none");
  table.read("entropy_coefficient", loss.entropy_coefficient, "of the entropy, which the loss rewards");
  read_choice(table, "average", options.update.average, {LossAverage::kToken, LossAverage::kSequence},
              loss_average_name, "every token counts alike, or every response");
  table.read("value_coefficient", options.update.value_coefficient, "ppo: of the critic's loss");
  table.read("value_clip", options.update.value_clip, "ppo: how far a value may move in a step; false: any");
  table.refuse_others();
}

void read_kl(ConfigTable table, RlOptions& options) {
  table.read("in_reward", options.advantage.kl_coefficient, "coefficient of the KL to the reference in the reward");
  read_estimator(table, "in_reward_estimator", options.advantage.kl_estimator, "its estimator");
  table.read("in_loss", options.loss.kl_coefficient, "coefficient of the KL to the reference in the loss");
  read_estimator(table, "in_loss_estimator", options.loss.kl_estimator, "its estimator; the gradient of k1 is noise");
  table.read("reference", options.reference_model, "GGUF file; \"\": the policy that the run begins with");
  table.refuse_others();
}

void read_update(ConfigTable table, RlOptions& options) {
  UpdateOptions& update = options.update;
  table.read("learning_rate", update.schedule.peak, "of AdamW, at its peak");
  table.read("warm_up", update.schedule.warm_up, "steps in which it rises");
  read_choice(table, "decay", update.schedule.decay,
              {LearningRateDecay::kNone, LearningRateDecay::kLinear, LearningRateDecay::kCosine},
              learning_rate_decay_name, "how it falls");
  table.read("final_fraction", update.schedule.final_fraction, "of the peak, at the last step");
  table.read("weight_decay", update.weight_decay, "of matrices");
  table.read("clip_norm", update.clip_norm, "largest norm of a gradient; 0: any");
  table.read("epochs", update.epochs, "passes over the responses of a step");
  table.read("minibatches", update.minibatches, "optimizer steps in a pass");
  table.read("lora_rank", options.lora_rank, "of low-rank adapters that learn; 0: every weight learns");
  table.read("lora_alpha", options.lora_alpha, "their scale, times rank");
  read_name(table, "device", options.device, {"auto", "cpu", "cuda"}, "of the trainer; auto: a GPU where there is one");
  read_name(table, "compute", options.compute, {"auto", "f32", "bf16"}, "type of matrix products; auto: measured");
  table.read("pass_tokens", update.pass_tokens, "tokens in one forward and backward pass");
  table.read("recompute", update.recompute_layers, "keep only each layer's input: less memory, a third more time");
  table.refuse_others();
}

void read_guards(ConfigTable table, RlOptions& options) {
  GuardLimits& guards = options.guards;
  read_choice(table, "on_fault", options.on_fault, {OnFault::kStop, OnFault::kRollBack}, on_fault_name,
              "whose weights are exported: those of the fault, or those of the last checkpoint");
  table.read("window", guards.window, "steps over which a mean is taken");
  table.read("least_entropy", guards.least_entropy, "nats a token; false: not watched, as in all of these");
  table.read("least_entropy_of_start", guards.least_entropy_of_start, "as a part of that at the start");
  table.read("least_length", guards.least_length, "tokens a response");
  table.read("least_length_of_start", guards.least_length_of_start, "as a part of that at the start");
  table.read("greatest_length_of_start", guards.greatest_length_of_start, "as a multiple of that at the start");
  table.read("greatest_kl", guards.greatest_kl, "nats a token, from the reference");
  table.refuse_others();
}

void read_watch(ConfigTable table, RlOptions& options) {
  table.read("held_out", options.held_out, "problems with answers that are sampled and graded, never learnt");
  table.read("held_out_every", options.held_out_every, "steps between two gradings");
  table.read("held_out_samples", options.held_out_samples, "responses to each of them");
  table.read("samples_every", options.samples_every, "steps between those whose samples the log keeps; 0: none");
  table.read("samples", options.samples, "of such a step");
  table.read("checkpoint_every", options.checkpoint_every, "steps between two checkpoints");
  read_name(table, "export", options.export_type, {"f32", "f16", "bf16"}, "type of the matrices in model.gguf");
  table.refuse_others();
}

RlOptions read(ConfigTable& table) {
  RlOptions options;
  table.read("model", options.model, "GGUF file or the name of a known model: the policy that the run begins with");
  table.read("data", options.data, "JSON lines: prompt or messages, and answer where a reward needs it");
  table.read("steps", options.steps, "of the run");
  std::size_t seed = options.seed;
  table.read("seed", seed, "of the order of the data, of what is drawn, of new adapters");
  options.seed = seed;
  std::vector<ConfigTable> sources = table.tables("reward");
  options.rewards.assign(sources.size(), RewardSpec{});
  for (std::size_t k = 0; k < sources.size(); ++k) {
    read_reward(sources[k], options.rewards[k]);
  }
  ConfigTable model = table.table("reward_model");
  model.read("file", options.reward_model, "GGUF file; \"\": the policy that the run begins with");
  model.read("refresh_every", options.refresh_every,
             "steps after which it becomes the policy of then; 0: it stays as it was");
  model.refuse_others();
  read_rollout(table.table("rollout"), options.rollout);
  read_algorithm(table.table("algorithm"), options);
  read_kl(table.table("kl"), options);
  read_update(table.table("update"), options);
  read_guards(table.table("guards"), options);
  read_watch(table.table("watch"), options);
  table.refuse_others();
  return options;
}

}  // namespace

RlOptions read_rl_config(const std::string& path) {
  ConfigTable table(path);
  RlOptions options = read(table);
  check_rl_options(options);
  return options;
}

std::vector<ConfigKey> rl_config_keys() {
  ConfigTable table;
  read(table);
  return table.keys();
}

void check_rl_options(const RlOptions& options) {
  const auto need = [](bool holds, const std::string& what) {
    if (!holds) {
      throw InvalidInput("[config] " + what);
    }
  };
  need(!options.data.empty(), "data is missing: JSON lines with prompts");
  need(options.steps > 0, "steps is 0");
  need(options.rollout.prompts > 0 && options.rollout.group > 0,
       "rollout.prompts and rollout.group must be at least 1");
  need(options.rollout.max_tokens > 0, "rollout.max_tokens is 0");
  need(options.rollout.temperature > 0.0, "rollout.temperature must be above 0");
  need(options.advantage.algorithm != Algorithm::kRloo || options.rollout.group > 1,
       "rloo compares the responses to a prompt: rollout.group must be at least 2");
  need(options.advantage.algorithm != Algorithm::kGrpo || options.rollout.group > 1,
       "grpo compares the responses to a prompt: rollout.group must be at least 2");
  need(options.update.epochs > 0 && options.update.minibatches > 0, "update.epochs and minibatches must be at least 1");
  need(options.update.minibatches <= options.rollout.prompts * options.rollout.group,
       "update.minibatches are more than the responses of a step");
  need(options.update.schedule.peak > 0.0, "update.learning_rate must be above 0");
  need(options.update.pass_tokens > 0, "update.pass_tokens is 0");
  need(options.held_out_every > 0 && options.held_out_samples > 0 && options.checkpoint_every > 0,
       "watch.held_out_every, held_out_samples and checkpoint_every must be at least 1");
  for (const RewardSpec& source : options.rewards) {
    const bool reads_logits = source.kind == RewardKind::kEndogenous || source.kind == RewardKind::kRelative;
    need(!source.dense || reads_logits,
         std::string(reward_kind_name(source.kind)) + " has no reward a token: dense is true");
    need(source.alpha > 0.0, "reward[].alpha must be above 0");
    need(source.kind != RewardKind::kMajority || options.rollout.group > 1,
         "a majority needs more than one response to a prompt");
    source.mix.weight(1);  // throws where the points do not rise
  }
}

}  // namespace endorm
