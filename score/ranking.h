#pragma once

#include <cstddef>
#include <vector>

#include "score/scored.h"

namespace endorm {

// The places of a record's responses from best to worst: by reward, equal ones in their own order. Those without a
// score are left out.
std::vector<std::size_t> ranking(const Scored& scored);

}  // namespace endorm
