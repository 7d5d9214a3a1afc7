#include "train/rl_config.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "train/response_rewards.h"

namespace endorm {
namespace {

void read_reward(ConfigTable& table, RewardSpec& source) {
  table.read_choice(
      "source", source.kind, kRewardKinds,
      "what a response is rewarded for: the reward model's logits, its log pi less that of the start, a right "
      "answer, the answer of most in the group; the last two where problems have answers");
  std::vector<std::pair<std::size_t, double>> weights = {{0, 1.0}};
  table.read_points(
      "weight", weights,
      "how much it counts: a number, or [[step, number], ...] with straight lines between; where there are several");
  source.mix.weights.clear();
  for (const auto& [step, weight] : weights) {
    source.mix.weights.push_back({step, weight});
  }
  table.read_choice(
      "normalise", source.mix.normalise, kRewardScopes,
      "over which responses it is brought to mean 0 and deviation 1 before it is mixed; where there are several");
  table.read(
      "dense", source.dense,
      "endogenous, relative: a reward at every token in the place of one a response; true with ppo or reinforce++");
  table.read_choice("aggregation", source.aggregation, kAggregations,
                    "endogenous, relative: how tokens become one number; a mean where length is not to count");
  table.read("step_separator", source.step_separator,
             "of step_mean and min_step; where steps of the responses end with something else");
  table.refuse_others();
}

void read_rollout(ConfigTable table, RolloutOptions& options) {
  table.read("prompts", options.prompts, "a step; more where reward and gradient jump from step to step", kFromOne);
  table.read("group", options.group, "responses to each prompt; more where right ones are rare", kFromOne);
  table.read("max_tokens", options.max_tokens,
             "of a response; above what a good one takes, for a longer one is cut off (`truncated` in the log)",
             kFromOne);
  table.read("max_prompt_tokens", options.max_prompt_tokens,
             "longer prompts are left out, and said; where memory is short, or the data are long", kFromOne);
  std::vector<std::pair<std::string_view, Precision>> precisions;
  for (const Precision each : {Precision::kExact, Precision::kFast, Precision::kNative}) {
    precisions.emplace_back(precision_name(each), each);
  }
  table.read_choice("precision", options.precision, precisions,
                    "of the engine that draws; where drawing takes most of a step, and `rollout_mismatch` stays small");
  table.refuse_others();
}

void read_algorithm(ConfigTable table, RlOptions& options) {
  AdvantageOptions& advantage = options.advantage;
  table.read_choice(
      "name", advantage.algorithm, kAlgorithms,
      "how rewards become advantages; ppo or reinforce++ where tokens have rewards of their own or group is 1");
  table.read("gamma", advantage.gamma,
             "ppo, reinforce++: discount of later tokens; below 1 where a reward is for the tokens just before it",
             kShare);
  table.read("lambda", advantage.lambda,
             "ppo: of the generalised advantage; lower where advantages are noisy and the critic has learnt", kShare);
  table.read("divide_by_deviation", advantage.divide_by_deviation,
             "grpo; false, which is Dr. GRPO, where groups that hardly differ count too much");
  table.read("group_baseline", advantage.group_baseline,
             "reinforce++: the group's mean is subtracted first; where prompts are not equally hard");
  table.read_choice("objective", options.loss.objective, kPolicyObjectives,
                    "the clipped ratio, or plain -A log pi; the second where a step is one update");
  table.read("entropy_coefficient", options.loss.entropy_coefficient,
             "of the entropy, which the loss rewards; above 0 where `entropy` falls early", kFromZero);
  table.read_choice("average", options.update.average, kLossAverages,
                    "every token counts alike, or every response; the second where long ones drown others");
  table.refuse_others();
}

void read_kl(ConfigTable table, RlOptions& options) {
  table.read(
      "in_reward", options.advantage.kl_coefficient,
      "coefficient in the reward of the KL to the start; above 0 where `kl` grows and what is written gets worse",
      kFromZero);
  table.read_choice("in_reward_estimator", options.advantage.kl_estimator, kKlEstimators,
                    "k2 or k3 where a reward is never to rise by a KL below 0");
  table.read("in_loss", options.loss.kl_coefficient, "the same in the loss, in the place of in_reward; with grpo",
             kFromZero);
  table.read_choice("in_loss_estimator", options.loss.kl_estimator, kKlEstimators,
                    "k2 for the gradient of the KL itself; that of k1 is noise");
  table.refuse_others();
}

void read_update(ConfigTable table, RlOptions& options) {
  UpdateOptions& update = options.update;
  TrainingOptions& run = options.run;
  table.read("learning_rate", run.schedule.peak,
             "of AdamW, at its peak; 1e-6 for every weight of a large model, more for adapters and small models",
             kAboveZero);
  table.read("warm_up", run.schedule.warm_up, "steps in which it rises; some where the first steps hurt");
  table.read_choice("decay", run.schedule.decay, kLearningRateDecays,
                    "how it falls, to a tenth; none where single steps are compared");
  table.read("weight_decay", run.weight_decay, "of matrices; above 0 in long runs of every weight", kFromZero);
  table.read("epochs", update.epochs, "passes over a step's responses; more where drawing is what takes time",
             kFromOne);
  table.read("minibatches", update.minibatches,
             "optimizer steps in a pass; more where a step has hundreds of responses", kFromOne);
  table.read("lora_rank", run.lora_rank,
             "of low-rank adapters that learn; 0: every weight; above 0 where memory is short", kFromZero);
  table.read_choice("device", run.device, {"auto", "cpu", "cuda"},
                    "of the trainer; auto: a GPU where there is one; cpu where a run is to repeat to the bit");
  table.read_choice("compute", run.compute, {"auto", "f32", "bf16"},
                    "type of matrix products; auto: measured; f32 where runs are compared");
  table.read("pass_tokens", run.pass_tokens, "tokens in one forward and backward pass; fewer where memory is short",
             kFromOne);
  table.read("recompute", run.recompute_layers,
             "keep only each layer's input, for a third more time; true where memory is short");
  table.refuse_others();
}

void read_guards(ConfigTable table, RlOptions& options) {
  GuardLimits& guards = options.guards;
  table.read_choice(
      "on_fault", options.on_fault, kOnFault,
      "whose weights are exported: those of the fault, or those of the last checkpoint; the second for unwatched runs");
  table.read("window", guards.window, "steps over which a mean is taken; more where steps differ much", kFromOne);
  table.read("least_entropy", guards.least_entropy,
             "nats a token; false: not watched, as in all of these; lower where there is one right thing to say",
             kFromZero);
  table.read("least_entropy_of_start", guards.least_entropy_of_start,
             "as a part of that at the start; lower where there is one right thing to say", kShare);
  table.read("least_length", guards.least_length, "tokens a response; lower where answers are a word", kFromZero);
  table.read("least_length_of_start", guards.least_length_of_start,
             "as a part of that at the start; lower where responses begin far too long", kShare);
  table.read("greatest_length_of_start", guards.greatest_length_of_start,
             "as a multiple of that at the start; greater where longer reasoning is wanted", kFromOne);
  table.read("greatest_kl", guards.greatest_kl,
             "nats a token, from the start; greater where a base model learns a task that it cannot do at all",
             kFromZero);
  table.refuse_others();
}

void read_watch(ConfigTable table, RlOptions& options) {
  table.read("held_out", options.held_out,
             "problems with answers that are sampled and graded, never learnt; have some: rewards can be hacked");
  table.read("held_out_every", options.held_out_every, "steps between two gradings; more where they take long",
             kFromOne);
  table.read("held_out_samples", options.held_out_samples, "responses to each of them; more where they are few",
             kFromOne);
  table.read("samples_every", options.samples_every,
             "steps between those whose samples the log keeps; 0: none; fewer where a run is to be read closely",
             kFromZero);
  table.read("samples", options.samples, "of such a step; more where a run is to be read closely", kFromOne);
  table.read("checkpoint_every", options.run.checkpoint_every,
             "steps between two checkpoints; more where a model is large and a step short", kFromOne);
  table.refuse_others();
}

RlOptions read(ConfigTable& table) {
  RlOptions options;
  table.read("model", options.run.model, "GGUF file or the name of a known model: the policy that the run begins with");
  table.read("data", options.data, "JSON lines: prompt or messages, and answer where a reward needs it");
  table.read("steps", options.run.steps, "of the run; more while what is held out still gains", kFromOne);
  table.read("seed", options.run.seed,
             "of the order of the data, of what is drawn, of new adapters; another to see how far chance goes",
             kFromZero);
  std::vector<ConfigTable> sources = table.tables("reward");
  options.rewards.assign(sources.size(), RewardSpec{});
  for (std::size_t k = 0; k < sources.size(); ++k) {
    read_reward(sources[k], options.rewards[k]);
  }
  ConfigTable model = table.table("reward_model");
  model.read(
      "file", options.reward_model,
      "GGUF file of as many tokens; \"\": the policy that the run begins with; where a better model is to reward");
  model.read("refresh_every", options.refresh_every,
             "steps after which it becomes the policy of then; 0: never, as the theorem of the paper has it",
             kFromZero);
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

// Throws InvalidInput, naming the keys, where values do not fit each other.
void check_rl_options(const RlOptions& options) {
  const auto need = [](bool holds, const std::string& what) {
    if (!holds) {
      throw InvalidInput("[config] " + what);
    }
  };
  const RolloutOptions& rollout = options.rollout;
  const Algorithm algorithm = options.advantage.algorithm;
  need(!options.data.empty(), "data is missing: JSON lines with prompts");
  need((algorithm != Algorithm::kRloo && algorithm != Algorithm::kGrpo) || rollout.group > 1,
       name_of<Algorithm>(kAlgorithms, algorithm) +
           " compares the responses to a prompt: rollout.group must be at least 2");
  need(options.update.minibatches <= rollout.prompts * rollout.group,
       "update.minibatches is more than the responses of a step, rollout.prompts times rollout.group");
  for (const RewardSpec& source : options.rewards) {
    need(!source.dense || reads_logits(source),
         "reward[].dense is true, and " + name_of<RewardKind>(kRewardKinds, source.kind) + " has no reward a token");
    need(source.kind != RewardKind::kMajority || rollout.group > 1,
         "majority needs more than one response to a prompt: rollout.group must be at least 2");
  }
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

}  // namespace endorm
