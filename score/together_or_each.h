#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace endorm {

// Does the work on all items [0, count) together and, where that fails, on each by itself, because one that cannot be
// done must not cost the others theirs. The work returns whether it was done, and tells why not where count is 1.
template <typename Work>
void all_or_each(std::size_t count, const Work& work) {
  if (count == 0 || work(0, count) || count == 1) {
    return;
  }
  for (std::size_t item = 0; item < count; ++item) {
    work(item, 1);
  }
}

// Work on [begin, begin + count) of some items; may throw.
using SomeWork = std::function<void(std::size_t begin, std::size_t count)>;
// Told of an item that failed, and why.
using WorkFailed = std::function<void(std::size_t item, const std::string& reason)>;

// The same with a model. An InternalError passes; an EngineError is thrown where every item failed with one: the engine
// is gone.
void together_or_each(std::size_t count, const SomeWork& work, const WorkFailed& failed);

}  // namespace endorm
