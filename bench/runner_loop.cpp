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

int run_program(int count, char** values, void (*run)(const Arguments& arguments)) {
  try {
    run(Arguments(count, values));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

const std::string& Arguments::at(const std::string& name) const {
  for (std::size_t i = 1; i + 1 < words_.size(); i += 2) {
    if (words_[i] == name) {
      return words_[i + 1];
    }
  }
  throw InvalidInput("[" + words_.front() + "] " + name + " is missing");
}

}  // namespace endorm
