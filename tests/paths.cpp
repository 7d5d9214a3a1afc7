#include "tests/paths.h"

namespace endorm {

std::string source_path(const std::string& name) { return ENDORM_SOURCE_DIR "/" + name; }

std::string build_path(const std::string& name) { return ENDORM_BINARY_DIR "/" + name; }

std::string llama_path(const std::string& name) { return ENDORM_LLAMA_DIR "/" + name; }

}  // namespace endorm
