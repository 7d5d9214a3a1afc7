#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "score/record.h"
#include "score/scored.h"

namespace endorm {

// Anything that gives responses a number: EndoRM, and every competitor it is compared with.
class Scorer {
 public:
  virtual ~Scorer() = default;
  // One Scored a request, in order. A response that cannot be scored carries its reason; the others are scored. Throws
  // EngineError only where nothing can be scored any more.
  virtual std::vector<Scored> score(std::span<const Request> requests) = 0;
  // Tokens of prompts and responses that were to be scored so far; none where it does not count them.
  virtual std::optional<std::size_t> tokens_asked() const { return std::nullopt; }
};

}  // namespace endorm
