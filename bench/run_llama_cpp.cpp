// llama.cpp as a contender: run_llama_cpp --model GGUF --threads N.

#include <cstdio>

#include "bench/rival_libllama.h"
#include "bench/runner_loop.h"

int main(int count, char** values) {
  try {
    endorm::LibllamaRival rival(endorm::argument_of(count, values, "--model"),
                                std::stoi(endorm::argument_of(count, values, "--threads")));
    endorm::serve_contender({"", [&](const endorm::Workload& workload) { return rival.tune(workload); },
                             [&](const endorm::Workload& workload) { return rival.pass(workload); }});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
