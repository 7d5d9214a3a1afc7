#include "app/cli/thread_waiting.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

namespace endorm {

void wait_briefly(char** arguments) {
  // Some tens of microseconds: as fast as the default on an idle machine, as fast as sleeping at once on a busy one.
  constexpr const char* kSpins = "20000";
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) {
    return;
  }
  std::error_code unknown;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  if (unknown || setenv("GOMP_SPINCOUNT", kSpins, 1) != 0) {
    return;
  }
  execv(self.c_str(), arguments);  // returns only where it fails: then threads spin as they would have
}

}  // namespace endorm
