#include "judge/judge.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/listed.h"
#include "engine/content_hash.h"
#include "judge/judges.h"

namespace endorm {
namespace {

// What a judge reads of a response.
enum class Reads { kTokens, kWords };

struct TableLine {
  JudgeName named;
  Judge (*make)(const JudgeParts& parts);  // everything but Judge::name
  Reads reads = Reads::kTokens;
  bool needs_model = true;
};

constexpr std::array kJudges = {
    TableLine{{"endorm", "the endogenous reward: token rewards from the model's logits, aggregated"}, make_endorm},
    TableLine{{"mean-log-likelihood", "mean log-probability of the response's tokens"}, make_mean_log_likelihood},
    TableLine{{"sum-log-likelihood", "log-probability of the whole response"}, make_sum_log_likelihood},
    TableLine{{"minus-entropy", "minus the mean entropy of the model's next-token distributions"}, make_minus_entropy},
    TableLine{{"self-certainty", "mean divergence of the next-token distributions from uniform"}, make_self_certainty},
    TableLine{{"contrast", "the reward minus its mean under alternative system messages"}, make_contrast},
    TableLine{{"information-gain", "the reward minus that with the prompt removed"}, make_information_gain},
    TableLine{{"ifd", "the loss on the response over the loss with the prompt removed"}, make_ifd},
    TableLine{{"image-gain", "the reward minus that with blank images of the same sizes"}, make_image_gain},
    TableLine{{"blind", "the reward without the images and sounds of the prompt"}, make_blind},
    TableLine{{"log-ratio", "the reward minus that of a reference model"}, make_log_ratio},
    TableLine{{"head", "a trained reward head on the last token's hidden state"}, make_head},
    TableLine{{"server", "the reward that a server of reward models gives"}, make_server, Reads::kWords},
    TableLine{{"verifier", "log-probability that the model, asked whether the response is good, says YES"},
              make_verifier,
              Reads::kWords},
    TableLine{{"verifier-normalized", "the same against its NO"}, make_verifier_normalized, Reads::kWords},
    TableLine{{"pointwise", "the integer from 1 to 10 that the model replies"}, make_pointwise, Reads::kWords},
    TableLine{{"pairwise", "which of two responses the model calls better, asked in both orders"},
              make_pairwise,
              Reads::kWords},
    TableLine{{"pairwise-once", "the same in one order, drawn by the seed"}, make_pairwise_once, Reads::kWords},
    TableLine{{"pairwise-five", "the same in five verdicts from [[A>>B]] to [[B>>A]], in both orders"},
              make_pairwise_five,
              Reads::kWords},
    TableLine{{"openai", "pointwise, asked of an OpenAI-compatible server"}, make_openai, Reads::kWords, false},
    TableLine{{"openai-pairwise", "pairwise, asked of one"}, make_openai_pairwise, Reads::kWords, false},
    TableLine{{"openai-pairwise-once", "pairwise-once, asked of one"}, make_openai_pairwise_once, Reads::kWords, false},
    TableLine{{"openai-pairwise-five", "pairwise-five, asked of one"}, make_openai_pairwise_five, Reads::kWords, false},
    TableLine{{"length", "characters in the response"}, make_length, Reads::kWords},
    TableLine{{"minus-length", "minus the characters in the response"}, make_minus_length, Reads::kWords},
    TableLine{{"random", "a seeded random number"}, make_random, Reads::kWords},
};

}  // namespace

std::vector<JudgeName> judge_names() {
  std::vector<JudgeName> names;
  names.reserve(kJudges.size());
  for (const TableLine& line : kJudges) {
    names.push_back(line.named);
  }
  return names;
}

bool needs_model(std::string_view name) {
  const auto* line =
      std::find_if(kJudges.begin(), kJudges.end(), [&](const TableLine& known) { return known.named.name == name; });
  return line == kJudges.end() || line->needs_model;
}

Judge make_judge(std::string_view name, const JudgeParts& parts) {
  for (const TableLine& line : kJudges) {
    if (line.named.name == name) {
      Judge judge = line.make(parts);
      judge.name = name;
      judge.reads_tokens = line.reads == Reads::kTokens;
      if (line.reads == Reads::kWords) {
        judge.scorer = spelled_out(parts.engine, std::move(judge.scorer));
      }
      return judge;
    }
  }
  throw InvalidInput("[make_judge] no judge is called \"" + std::string(name) + "\"; choose one of " +
                     listed(judge_names(), &JudgeName::name));
}

void require_capability(bool capable, std::string_view judge, const Engine& engine) {
  if (!capable) {
    throw InvalidInput("[make_judge] " + std::string(judge) + " cannot be had from " + engine.model().name + ": " +
                       engine.capabilities().missing_reason);
  }
}

ScoreOptions with_whole_prompts(ScoreOptions options) {
  if (options.overflow == Overflow::kTruncateLeft) {
    options.overflow = Overflow::kError;
  }
  return options;
}

Scored record_of(const Request& request) {
  return {request.id, request.line, request.key, std::vector<ScoredOutcome>(request.responses.size())};
}

ScoredResponse unread_response(const RequestResponse& response, double reward) {
  ScoredResponse scored;
  scored.reward = reward;
  scored.finish = response.text.truncated ? Finish::kTruncated : Finish::kEndOfTurn;
  return scored;
}

namespace {

// The shortest spelling that reads back as the same number.
std::string spelled(double number) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

std::string template_fingerprint(const TemplateOptions& text) {
  return (text.arguments.empty() ? "" : " template arguments " + text.arguments) +
         (text.date == TemplateOptions{}.date ? "" : " date " + text.date);
}

// The first options have words of their own, which stand in result files; all others are told by name, as in a
// manifest.
std::string score_fingerprint(const ScoreOptions& options) {
  const RewardOptions all{options, {}};
  std::string others;
  for (const Option<RewardOptions>& option : reward_options()) {
    if (option.effect == OptionEffect::kNumber && !option.always_told && option.get(all) != option.get({})) {
      others += " " + std::string(option.name) + "=" + option.get(all).dump();
    }
  }
  const AggregateOptions& aggregate = options.aggregate;
  return "alpha=" + spelled(options.alpha) + " " + std::string(aggregation_name(aggregate.kind)) +
         " gamma=" + spelled(aggregate.gamma) + " floor=" + spelled(aggregate.floor) +
         " chunk=" + std::to_string(aggregate.chunk) + " last_k=" + std::to_string(aggregate.last_k) +
         (aggregate.initial_value ? " initial_value" : "") + (options.text.end_of_turn ? " end_of_turn" : "") +
         (options.text.template_newline ? " template_newline" : "") +
         (options.text.reading == ResponseReading::kAuto
              ? ""
              : " response is " + find_option(reward_options(), "response_is")->get(all).get<std::string>()) +
         template_fingerprint(options.text) + (options.turns == ScoredTurns::kLast ? "" : " every turn") +
         " overflow=" + std::to_string(static_cast<int>(options.overflow)) +
         (options.find_steps ? " steps at \"" + options.step_separator + "\"" : "") +
         (options.share_prefixes ? "" : " no sharing") + others;
}

std::uint64_t drawn_seed(std::string_view purpose, std::uint64_t seed, std::string_view record_key, std::size_t place) {
  Sha256 hash;
  hash.update("endorm " + std::string(purpose) + " " + std::to_string(seed) + " " + std::to_string(place) + " ");
  hash.update(record_key);
  return seed_from(hash.finish());
}

}  // namespace endorm
