#pragma once

#include <span>
#include <vector>

#include "engine/engine.h"

namespace endorm {

// A continuation to be scored behind its prefix. What they point at outlives the call they are given to.
struct TokenPath {
  std::span<const Token> prefix;        // [P >= 1]
  std::span<const Token> continuation;  // [T]
};

// Teacher-forced statistics of every continuation at each temperature, [alphas][B][T]. All go into one tree: what they
// share is computed once. Throws as TokenTree::insert and Engine::evaluate.
std::vector<std::vector<std::vector<TokenStats>>> evaluate_paths(Engine& engine, std::span<const TokenPath> paths,
                                                                 const EvaluateOptions& options);

}  // namespace endorm
