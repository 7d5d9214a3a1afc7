#pragma once

#include <memory>
#include <string>

#include "bench/runner_loop.h"
#include "engine/llama/llama_engine.h"

namespace endorm {

// EndoRM as the bench runs it: the one place that knows how its engine is set up.

// The model of --model with --precision (exact, fast, native) and --threads. Throws InvalidInput on a precision that is
// not one of ours, and what make_llama_engine throws.
std::unique_ptr<LlamaEngine> make_our_engine(const Arguments& arguments);

// The number format of the engine's matrix products ("f32", "bf16", "int8"); empty where the weights' own type decides.
std::string our_products(LlamaEngine& engine);

// The workload through one tree: what sequences share is computed once.
Pass our_pass(Engine& engine, const Workload& workload);

}  // namespace endorm
