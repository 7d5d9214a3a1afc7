#pragma once

namespace CLI {
class App;
}

namespace endorm {

void add_convert_command(CLI::App& models);  // a subcommand of `endorm models`

}  // namespace endorm
