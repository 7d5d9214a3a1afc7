#pragma once

#include <string>

namespace endorm {

// Creates the directory of a run, and those above it, where they are not there yet. Throws InvalidInput where something
// else has the name or it cannot be created.
void make_run_directory(const std::string& directory);

}  // namespace endorm
