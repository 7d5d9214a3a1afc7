#pragma once

#include <functional>
#include <string>
#include <vector>

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
