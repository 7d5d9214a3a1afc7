#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace endorm {

// Work on [begin, begin + count) of some items; may throw.
using SomeWork = std::function<void(std::size_t begin, std::size_t count)>;
// Told of an item that failed, and why.
using WorkFailed = std::function<void(std::size_t item, const std::string& reason)>;

// Does the work on all items [0, count) together; where that fails, on each by itself, because one that the model
// cannot take must not cost the others theirs. An InternalError passes; an EngineError is thrown where every item
// failed with one: the engine is gone.
void together_or_each(std::size_t count, const SomeWork& work, const WorkFailed& failed);

}  // namespace endorm
