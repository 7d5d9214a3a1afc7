#include "app/cli/scoring_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/option_flags.h"

namespace endorm {

void add_reward_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags, [](const OptionFacts& facts) { return facts.name != "tokens"; });
}

void add_text_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags, [](const OptionFacts& facts) {
    return facts.part == ManifestPart::kTemplate || facts.part == ManifestPart::kPrompt || facts.name == "score_turns";
  });
}

void add_template_flags(CLI::App& command, RewardOptions& flags) {
  add_option_flags(command, reward_options(), flags,
                   [](const OptionFacts& facts) { return facts.part == ManifestPart::kPrompt; });
}

}  // namespace endorm
