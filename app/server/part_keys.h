#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/generator.h"
#include "engine/token_tree.h"

namespace endorm {

// What tells parts of requests (PartCost) from others. None is 0.

std::uint64_t prompt_key(std::span<const Token> prompt);

// Of each whole block of kBlockTokens at the beginning of a sequence; two are the same where all before them is, too.
std::vector<std::uint64_t> block_keys(std::span<const Token> tokens);

// The same for what one call of a generator can draw.
std::uint64_t sampling_key(const SamplingOptions& options);

}  // namespace endorm
