#include "app/cli/scoring_flags.h"

#include <CLI/CLI.hpp>

namespace endorm {

void add_scoring_flags(CLI::App& command, ScoringSettings& flags) {
  command.add_option("input", flags.input, "JSON lines of records; - is standard input")->capture_default_str();
  add_reward_flags(command, flags);
}

void add_template_flags(CLI::App& command, ScoringSettings& flags) {
  constexpr const char* kModel = "Model";
  command
      .add_option(
          "--template-kwargs", flags.template_arguments,
          "what the chat template reads beside the messages, a JSON object, e.g. '{\"enable_thinking\": false}'; "
          "a record's own chat_template_kwargs and tools come before it")
      ->group(kModel);
  command.add_option("--template-date", flags.template_date, "today, for templates that ask: YYYY-MM-DD")
      ->capture_default_str()
      ->group(kModel);
}

void add_text_flags(CLI::App& command, ScoringSettings& flags) {
  constexpr const char* kReward = "Reward";
  command.add_flag("--no-end-of-turn", flags.no_end_of_turn, "do not score the end-of-turn token")->group(kReward);
  command
      .add_flag("--template-newline", flags.template_newline,
                "score also the newline that some templates put behind it")
      ->group(kReward);
  command
      .add_option("--response-is", flags.response_is,
                  "what the text of a response is: drawn (what the model wrote behind the generation prompt), answer "
                  "(the answer alone: it is read where the template puts a finished answer), auto (drawn; a finished "
                  "text that lacks the end of a reasoning block that the prompt has opened is an answer alone)")
      ->check(CLI::IsMember({"auto", "drawn", "answer"}))
      ->capture_default_str()
      ->group(kReward);
  command
      .add_option("--score-turns", flags.score_turns,
                  "of a conversation: last (the response; the rest is context) or all (every turn of the assistant)")
      ->check(CLI::IsMember({"last", "all"}))
      ->capture_default_str()
      ->group(kReward);
  add_template_flags(command, flags);
}

void add_reward_flags(CLI::App& command, ScoringSettings& flags) {
  constexpr const char* kReward = "Reward";
  command.add_option("-a,--aggregation", flags.aggregation, "what becomes `reward`; all of them stand in the row")
      ->check(CLI::IsMember({"discounted", "sum", "mean", "chunked_mean", "step_mean", "min_step", "last_k"}))
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--gamma", flags.aggregate.gamma, "discounted: weight of token h is max(gamma^(h-1), floor)")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--floor", flags.aggregate.floor, "discounted: the smallest weight")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--chunk", flags.aggregate.chunk, "chunked_mean: tokens in a chunk")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--last-k", flags.aggregate.last_k, "last_k: tokens at the end")
      ->capture_default_str()
      ->group(kReward);
  command.add_option("--alpha", flags.alpha, "temperature of the soft value")->capture_default_str()->group(kReward);
  command
      .add_flag("--initial-value", flags.aggregate.initial_value,
                "add V(s_1): for comparing across prompts; cancels among the responses of one")
      ->group(kReward);
  command
      .add_flag("--steps", flags.steps,
                "rewards of steps; responses that came without steps are split at --step-separator")
      ->group(kReward);
  command.add_option("--step-separator", flags.step_separator, "what stands between steps (default: an empty line)")
      ->group(kReward);
  add_text_flags(command, flags);
  command
      .add_option("--on-overflow", flags.on_overflow,
                  "a sequence longer than the context: error, truncate-left or skip")
      ->check(CLI::IsMember({"error", "truncate-left", "skip"}))
      ->capture_default_str()
      ->group(kReward);
  command
      .add_flag("--no-sharing", flags.no_sharing, "compute every sequence alone (for measuring what sharing changes)")
      ->group("Speed and memory");
}

}  // namespace endorm
