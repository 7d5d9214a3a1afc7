// EndoRM as a contender: run_ours --model GGUF --precision NAME --threads N; run_ours --list 1 names the precisions.

#include <cstdio>

#include "bench/our_engine.h"
#include "bench/runner_loop.h"

namespace endorm {
namespace {

void run(int count, char** values) {
  if (count > 1 && std::string(values[1]) == "--list") {
    for (const std::string& precision : our_precisions()) {
      std::printf("%s\n", precision.c_str());
    }
    return;
  }
  const std::unique_ptr<LlamaEngine> engine =
      make_our_engine(argument_of(count, values, "--model"), argument_of(count, values, "--precision"),
                      std::stoi(argument_of(count, values, "--threads")));
  serve_contender({our_products(*engine), [](const Workload&) { return "as it comes"; },
                   [&](const Workload& workload) { return our_pass(*engine, workload); }});
}

}  // namespace
}  // namespace endorm

int main(int count, char** values) { return endorm::run_program(count, values, endorm::run); }
