#pragma once

#include <functional>
#include <string>

#include "bench/workload.h"

namespace endorm {

// One contender in a process of its own. `tune` finds its fastest setting on the first sequences of a workload and
// returns it in words; `pass` computes the workload once.
struct Contender {
  std::string products;  // number format of its matrix products; empty: what its weights are known for
  std::function<std::string(const Workload&)> tune;
  std::function<Pass(const Workload&)> pass;
};

// Serves a contender on standard input and output until the input ends, a line of JSON each way. The first line tells
// {"products"}; then
//   {"do": "tune", "workload": FILE}                     -> {"setting"}
//   {"do": "pass", "workload": FILE, "log_probs": bool}  -> {"seconds", "tokens_computed", "peak_memory_mb",
//   "log_probs"?}
// Peak memory is the highest resident set since the last tune. Reading the workload is not timed.
void serve_contender(const Contender& contender);

// The main() of a program: 0, or 1 where `run` throws, whose message goes to standard error.
int run_program(int count, char** values, void (*run)(int count, char** values));

// --name value of a command line. Throws InvalidInput where it is missing.
std::string argument_of(int count, char** values, const std::string& name);

}  // namespace endorm
