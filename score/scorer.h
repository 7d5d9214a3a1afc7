#pragma once

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
};

}  // namespace endorm
