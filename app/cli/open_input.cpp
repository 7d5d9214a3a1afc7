#include "app/cli/open_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/errors.h"

namespace endorm {

std::unique_ptr<RecordInput> open_input(const std::string& path) {
  return path == "-" ? open_records(STDIN_FILENO, "standard input") : open_records(path);
}

void refuse_input_as_output(const std::string& command, const std::string& input, const std::string& output) {
  struct stat read {};
  struct stat written {};
  const bool known = (input == "-" ? ::fstat(STDIN_FILENO, &read) : ::stat(input.c_str(), &read)) == 0 &&
                     output != "-" && ::stat(output.c_str(), &written) == 0;
  if (known && S_ISREG(read.st_mode) && read.st_dev == written.st_dev && read.st_ino == written.st_ino) {
    throw InvalidInput("[" + command + "] -o " + output + " is the input itself. Give another file.");
  }
}

}  // namespace endorm
