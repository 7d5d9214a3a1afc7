#pragma once

#include "score/score_options.h"

namespace CLI {
class App;
}

namespace endorm {

// What every subcommand that scores asks for: how token rewards are read and aggregated.
void add_reward_flags(CLI::App& command, RewardOptions& flags);
// Of these, what stands in a response and around it, and which turns are scored.
void add_text_flags(CLI::App& command, RewardOptions& flags);
// Of these, what a chat template reads beside the messages.
void add_template_flags(CLI::App& command, RewardOptions& flags);

}  // namespace endorm
