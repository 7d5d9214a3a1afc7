#pragma once

#include <filesystem>
#include <optional>

namespace endorm {

// How many threads can compute at once: the processors that this process may run on (Linux: its affinity), and not more
// than the quotas of its control groups give time for, rounded up. At least 1.
int usable_processors();

// Processors whose time the quotas of the calling process' control groups give, of version 1 or 2, its own group and
// those above it; nothing where there is no quota. root: "/", where proc and the groups' file systems are mounted.
std::optional<double> processor_quota(const std::filesystem::path& root);

}  // namespace endorm
