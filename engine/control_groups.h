#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace endorm {

// Linux' control groups of the calling process, of version 1 or 2: of its own group and those above it, the tightest.
// Nothing where there is no limit. root: "/", where proc and the groups' file systems are mounted.

// Processors whose time the quotas give.
std::optional<double> processor_quota(const std::filesystem::path& root);
// Bytes below the limit of memory; what files hold in memory counts as free, for it can be dropped.
std::optional<std::size_t> memory_below_limit(const std::filesystem::path& root);

}  // namespace endorm
