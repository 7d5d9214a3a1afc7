#pragma once

#include "judge/judge.h"

namespace endorm {

// Judges that do not look at the model at all: the floor under every comparison. None of them fails on a response.

// Length of the response's text in Unicode code points, and minus that.
Judge make_length(const JudgeParts& parts);
Judge make_minus_length(const JudgeParts& parts);

// Uniform on [0, 1), a function of parts.seed, Request::key and the response's place alone: neither the order of the
// records nor a shard changes it.
Judge make_random(const JudgeParts& parts);

}  // namespace endorm
