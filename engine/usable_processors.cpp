#include "engine/usable_processors.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace endorm {
namespace {

namespace fs = std::filesystem;

// A file system of control groups that has processors' time.
struct GroupMount {
  std::string point;
  std::string root;  // of the hierarchy: the group that stands at the point
  bool is_version_2 = false;
};

std::vector<std::string> words_of(const std::string& line, char separator) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; std::getline(in, word, separator);) {
    words.push_back(word);
  }
  return words;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// proc/self/mountinfo: "36 35 98:0 ROOT POINT rw,noatime shared:1 - TYPE SOURCE rw,cpu", see proc(5).
std::vector<GroupMount> group_mounts(const fs::path& root) {
  std::vector<GroupMount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words = words_of(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || std::distance(dash, words.end()) < 4) {
      continue;
    }
    const std::string& type = *(dash + 1);
    if (type == "cgroup2" || (type == "cgroup" && has(words_of(*(dash + 3), ','), "cpu"))) {
      mounts.push_back({words[4], words[3], type == "cgroup2"});
    }
  }
  return mounts;
}

// proc/self/cgroup: "4:cpu,cpuacct:PATH", of version 2 "0::PATH", see cgroups(7).
std::string group_path(const fs::path& root, bool is_version_2) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_version_2 ? controllers.empty() : has(words_of(controllers, ','), "cpu")) {
      return line.substr(second + 1);
    }
  }
  return "/";
}

// Of one group: what it may use of each period, both in microseconds.
std::optional<double> quota_at(const fs::path& group, bool is_version_2) {
  std::string quota;
  double period = 0.0;
  if (is_version_2) {
    std::ifstream(group / "cpu.max") >> quota >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  const double time = std::strtod(quota.c_str(), nullptr);  // of "max" 0
  return time > 0.0 && period > 0.0 ? std::optional(time / period) : std::nullopt;
}

// The group's path below the point where it is mounted; in a container of version 1 the path is the host's, of which
// only what is below the container's own group is mounted.
fs::path below_mount(const GroupMount& mount, const std::string& path) {
  if (mount.root == "/") {
    return fs::path(path).relative_path();
  }
  const bool is_below = path == mount.root || path.starts_with(mount.root + "/");
  return is_below ? fs::path(path.substr(mount.root.size())).relative_path() : fs::path();
}

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

}  // namespace

std::optional<double> processor_quota(const fs::path& root) {
  std::optional<double> least;
  for (const GroupMount& mount : group_mounts(root)) {
    fs::path below = below_mount(mount, group_path(root, mount.is_version_2));
    while (true) {
      const auto quota = quota_at(root / fs::path(mount.point).relative_path() / below, mount.is_version_2);
      least = quota && least ? std::min(least, quota) : quota ? quota : least;
      if (below.empty()) {
        break;
      }
      below = below.parent_path();
    }
  }
  return least;
}

int usable_processors() {
  const int allowed = std::max(1, allowed_processors());
  const std::optional<double> quota = processor_quota("/");
  return quota ? std::clamp(static_cast<int>(std::ceil(*quota)), 1, allowed) : allowed;
}

}  // namespace endorm
