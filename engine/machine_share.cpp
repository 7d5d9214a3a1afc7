#include "engine/machine_share.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

#include "engine/control_groups.h"

namespace endorm {
namespace {

int allowed_processors() {
#ifdef __linux__
  constexpr std::size_t kMost = 1U << 16U;
  std::vector<cpu_set_t> set(kMost / (8 * sizeof(cpu_set_t)));
  const std::size_t bytes = set.size() * sizeof(cpu_set_t);
  if (sched_getaffinity(0, bytes, set.data()) == 0) {
    return CPU_COUNT_S(bytes, set.data());
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::optional<std::size_t> available_to_all() {
  std::ifstream info("/proc/meminfo");
  for (std::string name; info >> name;) {
    std::size_t kibibytes = 0;
    if (name == "MemAvailable:" && info >> kibibytes) {
      constexpr std::size_t kBytes = 1024;
      return kibibytes * kBytes;
    }
  }
  return std::nullopt;
}

}  // namespace

int usable_processors() {
  const int allowed = std::max(1, allowed_processors());
  const std::optional<double> quota = processor_quota("/");
  return quota ? std::clamp(static_cast<int>(std::ceil(*quota)), 1, allowed) : allowed;
}

std::optional<std::size_t> free_memory() {
  const std::optional<std::size_t> of_all = available_to_all();
  const std::optional<std::size_t> of_groups = memory_below_limit("/");
  return of_all && of_groups ? std::min(of_all, of_groups) : of_all ? of_all : of_groups;
}

}  // namespace endorm
