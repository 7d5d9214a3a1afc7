#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "engine/generator.h"
#include "engine/token_tree.h"

namespace endorm {

// One prompt and its candidates. Every token of every response is scored.
struct Candidates {
  Tokens prompt;
  std::vector<Tokens> responses;
};

// What a user waits for: a list of prompts with candidates.
using Workload = std::vector<Candidates>;

// What one pass over a workload gave.
struct Pass {
  std::vector<double> log_probs;    // of every response token, in the order of the workload
  std::size_t tokens_computed = 0;  // less than the tokens asked for where prefixes are shared
};

// One contender in a process of its own. `tune` finds its fastest setting on the first sequences of a workload and
// returns it in words; `pass` computes the workload once; `write` completes prompts and returns what it drew.
struct Contender {
  std::string products;  // number format of its matrix products; empty: what its weights are known for
  std::function<std::string(const Workload&)> tune;
  std::function<Pass(const Workload&)> pass;
  std::function<std::vector<Tokens>(const std::vector<Tokens>& prompts, const SamplingOptions&)> write = {};
};

// Serves a contender on standard input and output until the input ends, a line of JSON each way. The first line tells
// {"products"}; then
//   {"do": "tune", "workload": FILE}                     -> {"setting"}
//   {"do": "pass", "workload": FILE, "log_probs": bool}  -> {"seconds", "tokens_computed", "peak_memory_mb",
//   "log_probs"?}
//   {"do": "write", "prompts": [[token, ..], ..], "max_tokens", "temperature"}  -> {"seconds", "completions"}
// FILE holds {"prompts": [{"prompt": [..], "responses": [[..]]}]}. Peak memory is the highest resident set since the
// last tune. Reading the workload is not timed.
void serve_contender(const Contender& contender);

// The highest resident set of this process so far, in MB of 1e6 bytes.
double peak_memory_mb();

// A command line of "--name value" alone.
class Arguments {
 public:
  Arguments(int count, char** values) : words_(values, values + count) {}
  // Throws InvalidInput where it is missing.
  const std::string& at(const std::string& name) const;

 private:
  std::vector<std::string> words_;
};

// The main() of a program: 0, or 1 where `run` throws, whose message goes to standard error.
int run_program(int count, char** values, void (*run)(const Arguments& arguments));

}  // namespace endorm
