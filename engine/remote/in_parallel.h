#pragma once

#include <cstddef>
#include <functional>

namespace endorm {

// Does parts 0 .. parts - 1 with so many threads, the calling one among them; `thread` numbers them from 0. The first
// exception ends it, when the others have finished what they have begun, and leaves.
void in_parallel(std::size_t parts, std::size_t threads,
                 const std::function<void(std::size_t part, std::size_t thread)>& work);

}  // namespace endorm
