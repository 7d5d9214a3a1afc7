#include "bench/runner_loop.h"

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>

#include <malloc.h>
#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {
namespace {

// The highest resident set of this process, from the kernel's own books.
double peak_memory_mb() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmHWM:") {
      double kib = 0.0;
      status >> kib;
      return kib * 1024e-6;
    }
  }
  throw EngineError("[runner] /proc/self/status does not tell VmHWM, the peak memory");
}

// What settings that were tried and given up took is not the contender's memory.
void forget_peak_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

nlohmann::json timed_pass(const Contender& contender, const Workload& workload, bool log_probs) {
  const auto start = std::chrono::steady_clock::now();
  const Pass pass = contender.pass(workload);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  nlohmann::json answer = {
      {"seconds", took.count()}, {"tokens_computed", pass.tokens_computed}, {"peak_memory_mb", peak_memory_mb()}};
  if (log_probs) {
    answer["log_probs"] = pass.log_probs;
  }
  return answer;
}

}  // namespace

void serve_contender(const Contender& contender) {
  std::cout << nlohmann::json{{"products", contender.products}}.dump() << std::endl;
  std::string file;
  Workload workload;
  for (std::string line; std::getline(std::cin, line);) {
    const nlohmann::json request = nlohmann::json::parse(line);
    if (request.at("workload") != file) {
      file = request.at("workload");
      workload = read_workload(file);
    }
    nlohmann::json answer;
    if (request.at("do") == "tune") {
      answer["setting"] = contender.tune(workload);
      forget_peak_memory();
    } else {
      answer = timed_pass(contender, workload, request.at("log_probs"));
    }
    std::cout << answer.dump() << std::endl;
  }
}

int run_program(int count, char** values, void (*run)(int count, char** values)) {
  try {
    run(count, values);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

std::string argument_of(int count, char** values, const std::string& name) {
  for (int i = 1; i + 1 < count; i += 2) {
    if (values[i] == name) {
      return values[i + 1];
    }
  }
  throw InvalidInput(std::string("[") + values[0] + "] " + name + " is missing");
}

}  // namespace endorm
