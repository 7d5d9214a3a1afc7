#pragma once

#include <string>

namespace endorm {

// Absolute paths of what tests read: `name` below the source tree, the build tree, the sources of llama.cpp. They are
// said to one file alone, so that all others compile to the same bytes in every folder (which a compiler cache then
// has).
std::string source_path(const std::string& name);
std::string build_path(const std::string& name);
std::string llama_path(const std::string& name);

}  // namespace endorm
