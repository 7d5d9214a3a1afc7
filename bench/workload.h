#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/token_tree.h"

namespace endorm {

// One prompt and its candidates. Every token of every response is scored.
struct Candidates {
  Tokens prompt;
  std::vector<Tokens> responses;
};

// What a user waits for: a list of prompts with candidates.
struct Workload {
  std::vector<Candidates> prompts;
};

// Reads {"prompts": [{"prompt": [..], "responses": [[..]]}]}. Throws InvalidInput where it cannot.
Workload read_workload(const std::string& file);

// What one pass over a workload gave.
struct Pass {
  std::vector<double> log_probs;    // of every response token, in the order of the workload
  std::size_t tokens_computed = 0;  // less than the tokens asked for where prefixes are shared
};

}  // namespace endorm
