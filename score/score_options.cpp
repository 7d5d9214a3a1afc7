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
constexpr Text kReward = "Reward";
constexpr Text kModel = "Model";

// The field of the scores' options at the end of a way of members.
template <typename... Members>
auto score(Members... members) {
  return at(&RewardOptions::score, members...);
}

Option<RewardOptions> row(auto field, OptionFacts facts) { return option<RewardOptions>(field, std::move(facts)); }

template <typename Value, std::size_t kCount>
Option<RewardOptions> row(auto field, const std::array<std::pair<Text, Value>, kCount>& names, OptionFacts facts) {
  return choice<RewardOptions>(field, NamedValues<Value>(names), std::move(facts));
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
  const auto aggregate = [](auto member) { return score(&ScoreOptions::aggregate, member); };
  const auto text = [](auto member) { return score(&ScoreOptions::text, member); };
  return {
      row(aggregate(&Aggregates::kind), kAggregations,
          {.name = "aggregation",
           .help = "what becomes `reward`; all of them stand in the row",
           .group = kReward,
           .flag = "-a,--aggregation",
           .always_told = true}),
      row(aggregate(&Aggregates::gamma), {.name = "gamma",
                                          .help = "discounted: weight of token h is max(gamma^(h-1), floor)",
                                          .group = kReward,
                                          .range = kUnit,
                                          .always_told = true}),
      row(aggregate(&Aggregates::floor), {.name = "floor",
                                          .help = "discounted: the smallest weight",
                                          .group = kReward,
                                          .range = kUnit,
                                          .always_told = true}),
      row(aggregate(&Aggregates::length_power),
          {.name = "length_power",
           .help = "mean: tokens count to this power: 1 gives the mean, 0 the sum",
           .group = kReward,
           .range = kUnit}),
      row(aggregate(&Aggregates::chunk), {.name = "chunk",
                                          .help = "chunked_mean: tokens in a chunk",
                                          .group = kReward,
                                          .range = kFromOne,
                                          .always_told = true}),
      row(aggregate(&Aggregates::last_k), {.name = "last_k",
                                           .help = "last_k: tokens at the end",
                                           .group = kReward,
                                           .range = kFromOne,
                                           .always_told = true}),
      row(score(&ScoreOptions::alpha), {.name = "alpha",
                                        .help = "temperature of the soft value",
                                        .group = kReward,
                                        .range = kPositive,
                                        .always_told = true}),
      row(score(&ScoreOptions::also_alphas),
          {.name = "also_alphas",
           .help = "temperatures that the same pass is to compute and keep: a later request for one of them computes "
                   "nothing",
           .range = kPositive,
           .in_run = false,
           .effect = OptionEffect::kSpeed,
           .part = ManifestPart::kNone}),
      row(aggregate(&Aggregates::initial_value),
          {.name = "initial_value",
           .help = "add V(s_1): for comparing across prompts; cancels among the responses of one",
           .group = kReward,
           .always_told = true}),
      row(at(&RewardOptions::rows, &RowOptions::tokens),
          {.name = "tokens",
           .help = "add every token's r, Q, V, log pi and entropy (and the prompt) to the rows",
           .effect = OptionEffect::kRow,
           .part = ManifestPart::kRows,
           .always_told = true}),
      row(at(&RewardOptions::rows, &RowOptions::steps),
          {.name = "steps",
           .help = "rewards of steps; responses that came without steps are split at the step separator",
           .group = kReward,
           .part = ManifestPart::kRows,
           .always_told = true}),
      row(score(&ScoreOptions::step_separator), {.name = "step_separator",
                                                 .help = "what stands between steps (default: an empty line)",
                                                 .group = kReward,
                                                 .always_told = true}),
      row(text(&TemplateOptions::end_of_turn), {.name = "end_of_turn",
                                                .help = "score the end-of-turn token",
                                                .group = kReward,
                                                .part = ManifestPart::kTemplate,
                                                .always_told = true}),
      row(text(&TemplateOptions::template_newline), {.name = "template_newline",
                                                     .help = "score also the newline that some templates put behind it",
                                                     .group = kReward,
                                                     .part = ManifestPart::kTemplate,
                                                     .always_told = true}),
      row(text(&TemplateOptions::reading), kReadings,
          {.name = "response_is",
           .help = "what the text of a response is: drawn (what the model wrote behind the generation prompt), answer "
                   "(the answer alone: it is read where the template puts a finished answer), auto (drawn; a finished "
                   "text that lacks the end of a reasoning block that the prompt has opened is an answer alone)",
           .group = kReward,
           .part = ManifestPart::kTemplate,
           .always_told = true}),
      row(score(&ScoreOptions::turns), kTurns,
          {.name = "score_turns",
           .help = "of a conversation: last (the response; the rest is context) or all (every turn of the assistant)",
           .group = kReward,
           .always_told = true}),
      row(score(&ScoreOptions::overflow), kOverflows,
          {.name = "on_overflow",
           .help = "a sequence longer than the context: error, truncate-left or skip",
           .group = kReward,
           .always_told = true}),
      row(text(&TemplateOptions::date), {.name = "template_date",
                                         .help = "today, for templates that ask: YYYY-MM-DD",
                                         .group = kModel,
                                         .part = ManifestPart::kPrompt,
                                         .manifest_name = "date",
                                         .always_told = true,
                                         .check = check_template_date}),
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
      row(score(&ScoreOptions::share_prefixes),
          {.name = "share_prefixes",
           .help =
               "share what sequences begin with alike (for measuring what that changes, each may be computed alone)",
           .group = "Speed and memory",
           .flag = "--no-sharing",
           .in_request = false,
           .part = ManifestPart::kComputing,
           .always_told = true}),
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
