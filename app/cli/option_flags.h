#pragma once

#include <functional>
#include <span>

#include <nlohmann/json.hpp>

#include "score/score_options.h"

namespace CLI {
class App;
}

namespace endorm {

// The flag of one option: its kind, range and choices as the table has them. now: its value, which --help shows.
// give: takes what the user says, as JSON of the option's kind.
void add_option_flag(CLI::App& command, const OptionFacts& facts, const nlohmann::ordered_json& now,
                     const std::function<void(const nlohmann::ordered_json&)>& give);

// The flags of all options of a run that `wanted` takes, in the order of the table. options must outlive the command.
template <typename Options>
void add_option_flags(CLI::App& command, std::span<const Option<Options>> table, Options& options,
                      const std::function<bool(const OptionFacts&)>& wanted = nullptr) {
  for (const Option<Options>& option : table) {
    if (option.in_run && (!wanted || wanted(option))) {
      add_option_flag(command, option, option.get(options),
                      [&option, &options](const nlohmann::ordered_json& value) { option.set(options, value); });
    }
  }
}

// Of the table of reward_options(), what every subcommand that scores asks for: how token rewards are read and
// aggregated.
void add_reward_flags(CLI::App& command, RewardOptions& flags);
// Of these, what stands in a response and around it, and which turns are scored.
void add_text_flags(CLI::App& command, RewardOptions& flags);
// Of these, what a chat template reads beside the messages.
void add_template_flags(CLI::App& command, RewardOptions& flags);

}  // namespace endorm
