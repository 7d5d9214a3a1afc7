#pragma once

#include <memory>

#include "engine/engine.h"
#include "score/scorer.h"

namespace endorm {

// A scorer that reads words, with requests spelled out for it: where tokens alone were given, their bytes stand as
// text; what a response's message holds beside its content (tool calls, reasoning) stands in its text. Keeps a
// reference to the engine.
std::unique_ptr<Scorer> spelled_out(const Engine& engine, std::unique_ptr<Scorer> reader);

}  // namespace endorm
