#pragma once

#include <string>
#include <vector>

#include "core/token_stats.h"
#include "engine/engine.h"

namespace endorm {

// One prompt and its candidates. Every token of every response is scored.
struct Candidates {
  Tokens prompt;
  std::vector<Tokens> responses;
};

// What a user waits for: a list of prompts with candidates.
struct Workload {
  std::string name;
  std::vector<Candidates> prompts;

  std::size_t tokens_asked() const;  // of all sequences, prompt and response
};

// Cuts the text of the files, tokenized, into the workloads of the bench: texts of 512 tokens, scored but for their
// first token, and best of 16 (prompt 800 tokens, responses 150).
std::vector<Workload> make_workloads(const Engine& engine, const std::vector<std::string>& files, std::size_t texts);

// For rivals in other languages: [{"name", "prompts": [{"prompt": [..], "responses": [[..]]}]}].
void write_workloads(const std::vector<Workload>& workloads, const std::string& file);

// log pi of every scored token, in the order of the workload.
std::vector<double> endorm_log_probs(Engine& engine, const Workload& workload, bool share_prefixes);

}  // namespace endorm
