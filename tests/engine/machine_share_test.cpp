#include "engine/machine_share.h"

#include <filesystem>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "engine/control_groups.h"
#include "tests/temporary_directory.h"

namespace endorm {
namespace {

using Files = std::map<std::string, std::string>;

// Of a tree with these files; mounts and groups as kernels write them.
template <typename Number>
std::optional<Number> read_in(const Files& files, std::optional<Number> (*read)(const std::filesystem::path& root)) {
  const TemporaryDirectory root;
  for (const auto& [name, text] : files) {
    const std::filesystem::path path = root.file(name);
    std::filesystem::create_directories(path.parent_path());
    write_file(path.string(), text);
  }
  return read(root.file(""));
}

std::optional<double> quota_in(const Files& files) { return read_in(files, processor_quota); }
std::optional<std::size_t> memory_in(const Files& files) { return read_in(files, memory_below_limit); }

const std::string kVersion2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_CASE("version 2: the least quota of a group and those above it") {
  Files files = {{"proc/self/mountinfo", "22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n" + kVersion2},
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
  Files files = {{"proc/self/mountinfo",
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

TEST_CASE("memory below the limit: what files hold counts as free") {
  Files files = {{"proc/self/mountinfo", kVersion2},
                 {"proc/self/cgroup", "0::/box\n"},
                 {"sys/fs/cgroup/box/memory.max", "1000000\n"},
                 {"sys/fs/cgroup/box/memory.current", "700000\n"},
                 {"sys/fs/cgroup/box/memory.stat", "anon 100000\ninactive_file 300000\nactive_file 200000\n"}};
  CHECK(memory_in(files) == 800000);
  files["sys/fs/cgroup/memory.max"] = "500000\n";
  files["sys/fs/cgroup/memory.current"] = "600000\n";  // lowered since
  CHECK(memory_in(files) == 0);
  files["sys/fs/cgroup/memory.max"] = files["sys/fs/cgroup/box/memory.max"] = "max\n";
  CHECK_FALSE(memory_in(files));
  CHECK(
      memory_in({{"proc/self/mountinfo", "35 31 0:32 /docker/af /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"},
                 {"proc/self/cgroup", "7:memory:/docker/af\n4:cpu:/other\n"},
                 {"sys/fs/cgroup/memory/memory.limit_in_bytes", "4000\n"},
                 {"sys/fs/cgroup/memory/memory.usage_in_bytes", "3000\n"},
                 {"sys/fs/cgroup/memory/memory.stat",
                  "inactive_file 1\ntotal_inactive_file 500\ntotal_active_file 0\n"}}) == 1500);
}

TEST_CASE("no quota, no groups, no files of them") {
  CHECK_FALSE(quota_in({{"proc/self/mountinfo", kVersion2}, {"proc/self/cgroup", "0::/user\n"}}));
  CHECK_FALSE(quota_in({{"proc/self/mountinfo", "22 1 254:1 / / rw - ext4 /dev/vda1 rw\nshort\n- cgroup2 - \n"}}));
  CHECK_FALSE(quota_in({{"proc/other", ""}}));
}

TEST_CASE("this process has a processor and some memory") {
  CHECK(usable_processors() >= 1);
  CHECK(free_memory().value_or(1) > 0);
}

}  // namespace
}  // namespace endorm
