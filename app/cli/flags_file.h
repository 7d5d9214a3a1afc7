#pragma once

#include <string>

namespace CLI {
class App;
}

namespace endorm {

// Gives the flags of a command that its command line does not have the values of a TOML file, whose keys are their long
// names; lists for those that may be repeated. Called when the command line is parsed. Throws InvalidInput naming the
// file, the line and the key.
void read_flags_file(CLI::App& command, const std::string& path);

}  // namespace endorm
