// What this processor multiplies right now: ceiling --threads N prints {"f32", "bf16", "int8"} in GFLOP/s, null where
// it has no such instruction.

#include <cstdio>

#include <nlohmann/json.hpp>

#include "bench/peak_flops.h"
#include "bench/runner_loop.h"

namespace {

nlohmann::json or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  return endorm::run_program(argc, argv, [](const endorm::Arguments& arguments) {
    const int threads = std::stoi(arguments.at("--threads"));
    const nlohmann::json peaks = {{"f32", endorm::peak_f32_gflops(threads)},
                                  {"bf16", or_null(endorm::peak_bf16_gflops(threads))},
                                  {"int8", or_null(endorm::peak_int8_gflops(threads))}};
    std::printf("%s\n", peaks.dump().c_str());
  });
}
