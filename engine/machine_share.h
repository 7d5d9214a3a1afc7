#pragma once

#include <cstddef>
#include <optional>

namespace endorm {

// What this process may have of the machine, its control groups (containers, services) considered.

// How many threads can compute at once: the processors that it may run on (Linux: its affinity), and not more than the
// quotas of its control groups give time for, rounded up. At least 1.
int usable_processors();

// Bytes of memory that it can still take: what the system has, or less where its control groups have a limit. Nothing
// where neither says.
std::optional<std::size_t> free_memory();

}  // namespace endorm
