#pragma once

#include "app/engine_settings.h"

namespace CLI {
class App;
}

namespace endorm {

// What every subcommand with a model asks for.
void add_engine_flags(CLI::App& command, EngineSettings& flags);

}  // namespace endorm
