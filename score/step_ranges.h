#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/aggregate.h"

namespace endorm {

// Byte offsets where the steps of a text begin that are divided by `separator`; a step is never blank, and the
// separator belongs to the step before it. Empty for a blank text.
std::vector<std::size_t> split_steps(std::string_view text, std::string_view separator);

// Byte offsets of steps -> ranges of tokens that cover [0, T) in order. A token belongs to the step in which its first
// byte lies. byte_offsets [T] are non-decreasing. Throws InvalidInput where a step has no token of its own, or offsets
// are unknown (empty while T > 0).
std::vector<TokenRange> step_ranges(std::span<const std::size_t> step_begins, std::span<const std::size_t> byte_offsets,
                                    std::size_t token_count);

}  // namespace endorm
