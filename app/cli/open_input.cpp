#include "app/cli/open_input.h"

#include <unistd.h>

namespace endorm {

std::unique_ptr<RecordInput> open_input(const std::string& path) {
  return path == "-" ? open_records(STDIN_FILENO, "standard input") : open_records(path);
}

}  // namespace endorm
