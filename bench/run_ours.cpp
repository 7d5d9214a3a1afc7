// EndoRM as a contender: run_ours --model GGUF --precision NAME --threads N.

#include "bench/our_engine.h"

int main(int count, char** values) {
  return endorm::run_program(count, values, [](const endorm::Arguments& arguments) {
    const std::unique_ptr<endorm::LlamaEngine> engine = endorm::make_our_engine(arguments);
    endorm::serve_contender({endorm::our_products(*engine), [](const endorm::Workload&) { return "as it comes"; },
                             [&](const endorm::Workload& workload) { return endorm::our_pass(*engine, workload); }});
  });
}
