#pragma once

#include "app/scoring_settings.h"

namespace CLI {
class App;
}

namespace endorm {

// What every subcommand that scores asks for.
void add_scoring_flags(CLI::App& command, ScoringSettings& flags);
// The same without the input: how token rewards are read and aggregated.
// What a chat template reads beside the messages: --template-kwargs, --template-date.
void add_template_flags(CLI::App& command, ScoringSettings& flags);
// Of what stands in a response and around it, and which turns are scored.
void add_text_flags(CLI::App& command, ScoringSettings& flags);
void add_reward_flags(CLI::App& command, ScoringSettings& flags);

}  // namespace endorm
