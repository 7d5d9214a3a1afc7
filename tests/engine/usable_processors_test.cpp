#include "engine/usable_processors.h"

#include <filesystem>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "tests/temporary_directory.h"

namespace endorm {
namespace {

// A tree with these files; mounts and groups as kernels write them.
std::optional<double> quota_in(const std::map<std::string, std::string>& files) {
  const TemporaryDirectory root;
  for (const auto& [name, text] : files) {
    const std::filesystem::path path = root.file(name);
    std::filesystem::create_directories(path.parent_path());
    write_file(path.string(), text);
  }
  return processor_quota(root.file(""));
}

const std::string kVersion2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_CASE("version 2: the least quota of a group and those above it") {
  std::map<std::string, std::string> files = {
      {"proc/self/mountinfo", "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n" + kVersion2},
      {"proc/self/cgroup", "0::/kubepods/pod1/box\n"},
      {"sys/fs/cgroup/kubepods/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/kubepods/pod1/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/kubepods/pod1/box/cpu.max", "400000 100000\n"}};
  CHECK(quota_in(files) == 1.5);
  files["sys/fs/cgroup/kubepods/pod1/box/cpu.max"] = "25000 50000\n";
  CHECK(quota_in(files) == 0.5);
}

TEST_CASE("version 2 in a container with a name space of its own: the group is the root") {
  CHECK(quota_in({{"proc/self/mountinfo", kVersion2},
                  {"proc/self/cgroup", "0::/\n"},
                  {"sys/fs/cgroup/cpu.max", "300000 100000\n"}}) == 3.0);
}

TEST_CASE("version 1: beside version 2 without processors, and in a container whose path is the host's") {
  std::map<std::string, std::string> files = {
      {"proc/self/mountinfo",
       "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
       "35 31 0:32 /docker/af03 /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
       "36 31 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"},
      {"proc/self/cgroup", "5:cpuset:/docker/af03\n4:cpu,cpuacct:/docker/af03\n0::/docker/af03\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"}};
  CHECK(quota_in(files) == 2.5);
  files["proc/self/cgroup"] = "4:cpu,cpuacct:/docker/af03/inner\n";
  files["sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us"] = "100000\n";
  files["sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us"] = "200000\n";
  CHECK(quota_in(files) == 0.5);
  files["sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us"] = "-1\n";
  CHECK(quota_in(files) == 2.5);
}

TEST_CASE("no quota, no groups, no files of them") {
  CHECK_FALSE(quota_in({{"proc/self/mountinfo", kVersion2}, {"proc/self/cgroup", "0::/user\n"}}));
  CHECK_FALSE(quota_in({{"proc/self/mountinfo", "22 1 254:1 / / rw - ext4 /dev/vda1 rw\nshort\n- cgroup2 - \n"}}));
  CHECK_FALSE(quota_in({{"proc/other", ""}}));
}

TEST_CASE("this process has a processor at least") { CHECK(usable_processors() >= 1); }

}  // namespace
}  // namespace endorm
