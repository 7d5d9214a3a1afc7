#pragma once

#include "app/scoring_settings.h"

namespace CLI {
class App;
}

namespace endorm {

// What every subcommand that scores asks for.
void add_scoring_flags(CLI::App& command, ScoringSettings& flags);
// The same without the input: how token rewards are read and aggregated.
void add_reward_flags(CLI::App& command, ScoringSettings& flags);

}  // namespace endorm
