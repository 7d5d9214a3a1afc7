#include <memory>

#include <CLI/CLI.hpp>

#include "app/cli/commands.h"

namespace endorm {
void add_report_command(CLI::App&) {}
}  // namespace endorm
