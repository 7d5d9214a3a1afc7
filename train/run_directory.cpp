#include "train/run_directory.h"

#include <filesystem>
#include <system_error>

#include "core/errors.h"

namespace endorm {

void make_run_directory(const std::string& directory) {
  std::error_code fault;
  std::filesystem::create_directories(directory, fault);
  if (fault) {
    throw InvalidInput("[--output] " + directory + " cannot be a directory: " + fault.message());
  }
}

}  // namespace endorm
