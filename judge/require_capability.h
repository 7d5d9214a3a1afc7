#pragma once

#include <string_view>

#include "engine/engine.h"

namespace endorm {

// Throws InvalidInput with the engine's reason where it lacks what a judge needs.
void require_capability(bool capable, std::string_view judge, const Engine& engine);

}  // namespace endorm
