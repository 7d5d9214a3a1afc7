#include "judge/require_capability.h"

#include "core/errors.h"

namespace endorm {

void require_capability(bool capable, std::string_view judge, const Engine& engine) {
  if (!capable) {
    throw InvalidInput("[make_judge] " + std::string(judge) + " cannot be had from " + engine.model().name + ": " +
                       engine.capabilities().missing_reason);
  }
}

}  // namespace endorm
