#pragma once

#include <cstddef>
#include <span>

#include "engine/generator.h"
#include "score/option.h"

namespace endorm {

// What a user says of texts that are drawn from a model: flags of a command, arguments of a call.
struct SamplingSettings {
  SamplingOptions sampling;
  std::size_t seed = 0;
};

// The table of them.
std::span<const Option<SamplingSettings>> sampling_options();

}  // namespace endorm
