// llama.cpp as a contender: run_llama_cpp --model GGUF --threads N.

#include "bench/rival_libllama.h"
#include "bench/runner_loop.h"

int main(int argc, char** argv) {
  return endorm::run_program(argc, argv, [](int count, char** values) {
    endorm::LibllamaRival rival(endorm::argument_of(count, values, "--model"),
                                std::stoi(endorm::argument_of(count, values, "--threads")));
    endorm::serve_contender({"", [&](const endorm::Workload& workload) { return rival.tune(workload); },
                             [&](const endorm::Workload& workload) { return rival.pass(workload); }});
  });
}
