#include "train/response_rewards.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "eval/graded_answers.h"
#include "score/step_ranges.h"

namespace endorm {
namespace {

using Rewards = std::vector<std::vector<TokenReward>>;  // [B][T]

// The steps of a response as ranges of its tokens; steps that begin inside one token are one.
std::vector<TokenRange> steps_of(const SampledResponse& response, const Engine& engine, std::string_view separator) {
  std::string bytes;
  std::vector<std::size_t> offsets;
  for (const Token token : response.tokens) {
    offsets.push_back(bytes.size());
    bytes += engine.token_bytes(token);
  }
  std::vector<TokenRange> steps = {{0, offsets.size()}};
  for (const std::size_t begin : split_steps(bytes, separator)) {
    const auto behind = std::upper_bound(offsets.begin(), offsets.end(), begin);
    const auto token = static_cast<std::size_t>(behind - offsets.begin()) - 1;
    if (token > steps.back().begin) {
      steps.back().end = token;
      steps.push_back({token, offsets.size()});
    }
  }
  return steps;
}

// rewards [T] of one response, as the source wants them.
RewardPart part_of(const std::vector<TokenReward>& rewards, const SampledResponse& response, const RewardSpec& source,
                   const Engine& engine) {
  RewardPart part;
  if (source.dense) {
    for (const TokenReward& token : rewards) {
      part.tokens.push_back(token.reward);
    }
    return part;
  }
  const std::vector<TokenRange> steps =
      reads_steps(source.aggregation) ? steps_of(response, engine, source.step_separator) : std::vector<TokenRange>();
  part.response =
      chosen_reward(aggregate(log_probs_of(rewards), steps, 1.0, {.kind = source.aggregation}), source.aggregation);
  return part;
}

// log pi of the reward model less log pi of the reference, at every token.
std::vector<TokenReward> relative(const std::vector<TokenReward>& rewards, const std::vector<TokenReward>& reference) {
  std::vector<TokenReward> difference(rewards.size());
  for (std::size_t t = 0; t < rewards.size(); ++t) {
    difference[t].log_prob = rewards[t].log_prob - reference[t].log_prob;
    difference[t].reward = difference[t].log_prob;
  }
  return difference;
}

std::vector<std::vector<double>> log_probs_of(const Rewards& rewards) {
  std::vector<std::vector<double>> log_probs;
  for (const std::vector<TokenReward>& response : rewards) {
    log_probs.push_back(endorm::log_probs_of(response));
  }
  return log_probs;
}

// The responses to each problem, graded: a response's place is its place among its problem's.
std::vector<std::vector<GradedAnswer>> graded(std::span<const SampledResponse> responses,
                                              std::span<const RlProblem> problems) {
  std::vector<std::vector<std::string>> texts(problems.size());
  for (const SampledResponse& response : responses) {
    texts[response.problem].push_back(response.text);
  }
  std::vector<std::vector<GradedAnswer>> answers;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    answers.push_back(grade_answers(texts[i], problems[i].answer));
  }
  return answers;
}

// Which class of equal answers most are in; the one that comes first where two are as large; none: nobody has an
// answer.
std::optional<std::size_t> majority(const std::vector<GradedAnswer>& answers) {
  std::map<std::size_t, std::size_t> count;
  for (const GradedAnswer& answer : answers) {
    if (answer.vote) {
      ++count[*answer.vote];
    }
  }
  const auto most =
      std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == count.end() ? std::nullopt : std::optional(most->first);
}

// Fills the parts of a source that reads texts, and the notes. answers: the responses, graded.
void grade_into(ResponseRewards& read, std::size_t source, RewardKind kind, std::span<const SampledResponse> responses,
                std::span<const std::vector<GradedAnswer>> answers) {
  std::vector<std::optional<std::size_t>> most;
  std::transform(answers.begin(), answers.end(), std::back_inserter(most), majority);
  std::vector<std::size_t> next(answers.size(), 0);  // response to each problem
  for (std::size_t b = 0; b < responses.size(); ++b) {
    const std::size_t problem = responses[b].problem;
    const GradedAnswer& answer = answers[problem][next[problem]++];
    const bool good = kind == RewardKind::kVerified ? answer.verdict == Verdict::kCorrect
                                                    : answer.vote && answer.vote == most[problem];
    read.parts[b][source].response = good ? 1.0 : 0.0;
    read.notes[b] = kind == RewardKind::kVerified ? answer.reason : (good ? "as most say" : "not as most say");
  }
}

}  // namespace

Rewards read_rewards(Engine& model, std::span<const TokenPath> responses) {
  Rewards rewards;
  const std::vector<std::vector<TokenStats>> of_paths = evaluate_paths(model, responses, {}).front();
  rewards.reserve(of_paths.size());
  for (const std::vector<TokenStats>& stats : of_paths) {
    rewards.push_back(token_rewards(stats, 1.0));
  }
  return rewards;
}

FrozenModels::FrozenModels(const LlamaEngineOptions& start, const std::string& reward_model)
    : engine_(start), start_(make_llama_engine(start)) {
  if (reward_model.empty()) {
    return;
  }
  refresh(reward_model);
  if (reward_->model().vocabulary != start_->model().vocabulary) {
    throw InvalidInput("[rl] " + reward_model + " has " + std::to_string(reward_->model().vocabulary) +
                       " tokens and the policy " + std::to_string(start_->model().vocabulary) +
                       ": it cannot read what the policy writes");
  }
}

void FrozenModels::refresh(const std::string& path) {
  engine_.model_path = path;
  reward_.reset();  // before the next one is there: two need twice the memory
  reward_ = make_llama_engine(engine_);
}

ResponseRewards reward_responses(std::span<const SampledResponse> responses, std::span<const RlProblem> problems,
                                 std::span<const RewardSpec> sources, Engine& reward_model, Engine* reference) {
  const bool texts_are_read = !std::ranges::all_of(sources, reads_logits);
  const bool logits_are_read = std::ranges::any_of(sources, reads_logits) || reference == &reward_model;
  std::vector<TokenPath> tokens;
  for (const SampledResponse& response : responses) {
    tokens.push_back({problems[response.problem].prompt, response.tokens});
  }
  const Rewards of_reward_model = logits_are_read ? read_rewards(reward_model, tokens) : Rewards();
  const bool another = reference != nullptr && reference != &reward_model;
  const Rewards of_other = another ? read_rewards(*reference, tokens) : Rewards();
  const Rewards& of_reference = another ? of_other : of_reward_model;
  const auto answers = texts_are_read ? graded(responses, problems) : std::vector<std::vector<GradedAnswer>>();

  ResponseRewards read;
  read.parts.assign(responses.size(), std::vector<RewardPart>(sources.size()));
  read.notes.assign(responses.size(), "");
  if (reference != nullptr) {
    read.reference_log_prob = log_probs_of(of_reference);
  }
  for (std::size_t k = 0; k < sources.size(); ++k) {
    const RewardSpec& source = sources[k];
    if (!reads_logits(source)) {
      grade_into(read, k, source.kind, responses, answers);
      continue;
    }
    const bool relates = source.kind == RewardKind::kRelative;
    for (std::size_t b = 0; b < responses.size(); ++b) {
      const std::vector<TokenReward> rewards =
          relates ? relative(of_reward_model[b], of_reference[b]) : of_reward_model[b];
      read.parts[b][k] = part_of(rewards, responses[b], source, reward_model);
    }
    if (!relates) {
      read.endogenous = of_reward_model;
    }
  }
  return read;
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

double share_of_right(std::span<const SampledResponse> responses, std::span<const RlProblem> problems) {
  std::size_t right = 0;
  for (const std::vector<GradedAnswer>& answers : graded(responses, problems)) {
    right += static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](const GradedAnswer& answer) {
      return answer.verdict == Verdict::kCorrect;
    }));
  }
  return static_cast<double>(right) / static_cast<double>(responses.size());
}

bool reads_logits(const RewardSpec& source) {
  return source.kind == RewardKind::kEndogenous || source.kind == RewardKind::kRelative;
}

}  // namespace endorm
