#include "score/score_options.h"

#include <array>

#include <nlohmann/json.hpp>

#include "score/request_tokens.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;
using Text = std::string_view;

constexpr std::array<std::pair<Text, Overflow>, 3> kOverflows{
    {{"error", Overflow::kError}, {"truncate-left", Overflow::kTruncateLeft}, {"skip", Overflow::kSkip}}};
constexpr std::array<std::pair<Text, ScoredTurns>, 2> kTurns{
    {{"last", ScoredTurns::kLast}, {"all", ScoredTurns::kAll}}};
constexpr std::array<std::pair<Text, ResponseReading>, 3> kReadings{
    {{"auto", ResponseReading::kAuto}, {"drawn", ResponseReading::kAsDrawn}, {"answer", ResponseReading::kAnswer}}};

constexpr OptionRange kUnit{.least = 0, .most = 1};
constexpr OptionRange kFromOne{.least = 1};
constexpr OptionRange kPositive{.least = 0, .open = true};

// The field of the scores' options at the end of a way of members.
template <typename... Members>
auto score(Members... members) {
  return at(&RewardOptions::score, members...);
}

// The field holds the text of a JSON object, and may be given as that text, too.
Option<RewardOptions> template_arguments(OptionFacts facts) {
  facts.kind = OptionKind::kObject;
  facts.may_be_none = true;
  return {facts,
          [](const RewardOptions& options) {
            const std::string& text = options.score.text.arguments;
            return text.empty() ? Json::object() : Json::parse(text);
          },
          [facts](RewardOptions& options, const Json& value) {
            check_option(facts, value);
            const std::string text = value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump();
            options.score.text.arguments = template_arguments_from(text, std::string(facts.flag));
          }};
}

std::vector<Option<RewardOptions>> make_table() {
  using Aggregates = AggregateOptions;
  using Rows = OptionRows<RewardOptions>;
  constexpr Text kReward = "Reward";
  constexpr Text kModel = "Model";
  const Rows reward{{.group = kReward, .always_told = true}};
  const Rows newer{{.group = kReward}};
  const Rows unasked{{.effect = OptionEffect::kSpeed, .part = ManifestPart::kNone}};
  const Rows shown{{.effect = OptionEffect::kRow, .part = ManifestPart::kRows, .always_told = true}};
  const Rows steps{{.group = kReward, .part = ManifestPart::kRows, .always_told = true}};
  const Rows reading{{.group = kReward, .part = ManifestPart::kTemplate, .always_told = true}};
  const Rows prompt{{.group = kModel, .part = ManifestPart::kPrompt, .always_told = true}};
  const Rows computing{{.group = "Speed and memory", .part = ManifestPart::kComputing, .always_told = true}};
  const auto aggregate = [](auto member) { return score(&ScoreOptions::aggregate, member); };
  const auto text = [](auto member) { return score(&ScoreOptions::text, member); };
  return {
      reward(aggregate(&Aggregates::kind), kAggregations, "aggregation",
             "what becomes `reward`; all of them stand in the row", {.flag = "-a,--aggregation"}),
      reward(aggregate(&Aggregates::gamma), "gamma", "discounted: weight of token h is max(gamma^(h-1), floor)",
             {.range = kUnit}),
      reward(aggregate(&Aggregates::floor), "floor", "discounted: the smallest weight", {.range = kUnit}),
      newer(aggregate(&Aggregates::length_power), "length_power",
            "mean: tokens count to this power: 1 gives the mean, 0 the sum", {.range = kUnit}),
      reward(aggregate(&Aggregates::chunk), "chunk", "chunked_mean: tokens in a chunk", {.range = kFromOne}),
      reward(aggregate(&Aggregates::last_k), "last_k", "last_k: tokens at the end", {.range = kFromOne}),
      reward(score(&ScoreOptions::alpha), "alpha", "temperature of the soft value", {.range = kPositive}),
      unasked(score(&ScoreOptions::also_alphas), "also_alphas",
              "temperatures that the same pass is to compute and keep: a later request for one of them computes "
              "nothing",
              {.range = kPositive, .in_run = false}),
      reward(aggregate(&Aggregates::initial_value), "initial_value",
             "add V(s_1): for comparing across prompts; cancels among the responses of one"),
      shown(at(&RewardOptions::rows, &RowOptions::tokens), "tokens",
            "add every token's r, Q, V, log pi and entropy (and the prompt) to the rows"),
      steps(at(&RewardOptions::rows, &RowOptions::steps), "steps",
            "rewards of steps; responses that came without steps are split at the step separator"),
      reward(score(&ScoreOptions::step_separator), "step_separator",
             "what stands between steps (default: an empty line)"),
      reading(text(&TemplateOptions::end_of_turn), "end_of_turn", "score the end-of-turn token"),
      reading(text(&TemplateOptions::template_newline), "template_newline",
              "score also the newline that some templates put behind it"),
      reading(text(&TemplateOptions::reading), kReadings, "response_is",
              "what the text of a response is: drawn (what the model wrote behind the generation prompt), answer (the "
              "answer alone: it is read where the template puts a finished answer), auto (drawn; a finished text that "
              "lacks the end of a reasoning block that the prompt has opened is an answer alone)"),
      reward(score(&ScoreOptions::turns), kTurns, "score_turns",
             "of a conversation: last (the response; the rest is context) or all (every turn of the assistant)"),
      reward(score(&ScoreOptions::overflow), kOverflows, "on_overflow",
             "a sequence longer than the context: error, truncate-left or skip"),
      prompt(text(&TemplateOptions::date), "template_date", "today, for templates that ask: YYYY-MM-DD",
             {.manifest_name = "date", .check = check_template_date}),
      template_arguments(
          {.name = "chat_template_kwargs",
           .help = "what the chat template reads beside the messages, a JSON object, e.g. '{\"enable_thinking\": "
                   "false}'; a record's own chat_template_kwargs and tools come before it",
           .group = kModel,
           .flag = "--template-kwargs",
           .in_request = false,  // a record has them
           .part = ManifestPart::kPrompt,
           .manifest_name = "arguments",
           .always_told = true}),
      computing(score(&ScoreOptions::share_prefixes), "share_prefixes",
                "share what sequences begin with alike (for measuring what that changes, each may be computed alone)",
                {.flag = "--no-sharing", .in_request = false}),
  };
}

}  // namespace

std::span<const Option<RewardOptions>> reward_options() {
  static const std::vector<Option<RewardOptions>> table = make_table();
  return table;
}

ScoreOptions score_options(const RewardOptions& options) {
  ScoreOptions score = options.score;
  score.find_steps = options.rows.steps || reads_steps(score.aggregate.kind);
  return score;
}

}  // namespace endorm
