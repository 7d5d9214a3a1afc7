#include "app/cli/engine_flags.h"

#include <CLI/CLI.hpp>

#include "app/cli/option_flags.h"

namespace endorm {

void add_engine_flags(CLI::App& command, EngineSettings& flags) { add_option_flags(command, engine_options(), flags); }

}  // namespace endorm
