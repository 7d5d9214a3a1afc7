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

using nlohmann::json;

// What settings that were tried and given up took is not the contender's memory.
void forget_peak_memory() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

// Reads a file of {"prompts": [{"prompt", "responses"}]}.
Workload read_workload(const std::string& file) {
  std::ifstream stream(file);
  const json given = json::parse(stream, nullptr, false);
  if (given.is_discarded() || !given.contains("prompts")) {
    throw InvalidInput("[read_workload] " + file + " holds no workload. Let bench/speed.py write it.");
  }
  Workload workload;
  for (const json& prompt : given.at("prompts")) {
    workload.push_back({prompt.at("prompt").get<Tokens>(), prompt.at("responses").get<std::vector<Tokens>>()});
  }
  return workload;
}

// What `compute` returned, and {"seconds"} of it.
template <typename Compute>
auto timed(json& answer, const Compute& compute) {
  const auto start = std::chrono::steady_clock::now();
  auto found = compute();
  answer["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return found;
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
  std::cout << json{{"products", contender.products}}.dump() << std::endl;
  std::string file;
  Workload workload;
  for (std::string line; std::getline(std::cin, line);) {
    const json request = json::parse(line);
    json answer;
    if (request.at("do") == "write") {
      const auto prompts = request.at("prompts").get<std::vector<Tokens>>();
      SamplingOptions options;
      options.max_tokens = request.at("max_tokens");
      options.temperature = request.at("temperature");
      answer["completions"] = timed(answer, [&] { return contender.write(prompts, options); });
    } else if (request.at("workload") != file) {
      file = request.at("workload");
      workload = read_workload(file);
    }
    if (request.at("do") == "tune") {
      answer["setting"] = contender.tune(workload);
      forget_peak_memory();
    } else if (request.at("do") == "pass") {
      const Pass pass = timed(answer, [&] { return contender.pass(workload); });
      answer["tokens_computed"] = pass.tokens_computed;
      answer["peak_memory_mb"] = peak_memory_mb();
      if (request.at("log_probs")) {
        answer["log_probs"] = pass.log_probs;
      }
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
