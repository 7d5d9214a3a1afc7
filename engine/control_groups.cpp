#include "engine/control_groups.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace endorm {
namespace {

namespace fs = std::filesystem;

// A file system of control groups.
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
std::vector<GroupMount> group_mounts(const fs::path& root, const std::string& controller) {
  std::vector<GroupMount> mounts;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words = words_of(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || std::distance(dash, words.end()) < 4) {
      continue;
    }
    const std::string& type = *(dash + 1);
    if (type == "cgroup2" || (type == "cgroup" && has(words_of(*(dash + 3), ','), controller))) {
      mounts.push_back({words[4], words[3], type == "cgroup2"});
    }
  }
  return mounts;
}

// proc/self/cgroup: "4:cpu,cpuacct:PATH", of version 2 "0::PATH", see cgroups(7).
std::string group_path(const fs::path& root, const std::string& controller, bool is_version_2) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (is_version_2 ? controllers.empty() : has(words_of(controllers, ','), controller)) {
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

// A number by itself in a file; 0 where there is none ("max" among them).
double number_in(const fs::path& path) {
  double number = 0.0;
  std::ifstream(path) >> number;
  return number;
}

// Of the lines "NAME NUMBER".
double number_of(const fs::path& path, const std::string& wanted) {
  std::ifstream file(path);
  std::string name;
  for (double number = 0.0; file >> name >> number;) {
    if (name == wanted) {
      return number;
    }
  }
  return 0.0;
}

std::optional<double> memory_at(const fs::path& group, bool is_version_2) {
  const double limit = number_in(group / (is_version_2 ? "memory.max" : "memory.limit_in_bytes"));
  if (limit <= 0.0) {
    return std::nullopt;
  }
  double used = number_in(group / (is_version_2 ? "memory.current" : "memory.usage_in_bytes"));
  for (const char* kind : {"inactive_file", "active_file"}) {
    used -= number_of(group / "memory.stat", is_version_2 ? kind : std::string("total_") + kind);
  }
  return std::max(0.0, limit - std::max(0.0, used));
}

// The least of what `read` finds in the process' group and those above it.
std::optional<double> least_of_groups(
    const fs::path& root, const std::string& controller,
    const std::function<std::optional<double>(const fs::path& group, bool is_version_2)>& read) {
  std::optional<double> least;
  for (const GroupMount& mount : group_mounts(root, controller)) {
    fs::path below = below_mount(mount, group_path(root, controller, mount.is_version_2));
    while (true) {
      const auto found = read(root / fs::path(mount.point).relative_path() / below, mount.is_version_2);
      least = found && least ? std::min(least, found) : found ? found : least;
      if (below.empty()) {
        break;
      }
      below = below.parent_path();
    }
  }
  return least;
}

}  // namespace

std::optional<double> processor_quota(const fs::path& root) { return least_of_groups(root, "cpu", quota_at); }

std::optional<std::size_t> memory_below_limit(const fs::path& root) {
  const std::optional<double> bytes = least_of_groups(root, "memory", memory_at);
  return bytes ? std::optional(static_cast<std::size_t>(*bytes)) : std::nullopt;
}

}  // namespace endorm
